using System.Globalization;

namespace CapiRegistryHook.Harness;

/// <summary>
/// The seed of a test's random choices: fixed, so that every run of a gate is the same one. An environment variable takes another number,
/// or <c>random</c> for a new one each time; tests print the seed, so that a failure can be repeated.
/// </summary>
public static class TestSeed
{
    private const int Default = 20260131;

    /// <summary>The seed that an environment variable chooses.</summary>
    /// <param name="variable">Its name; unset means the fixed seed.</param>
    /// <exception cref="ArgumentException">The value is neither a number from 0 to 2147483647 nor <c>random</c>.</exception>
    public static int From(string variable) => Parse(variable, Environment.GetEnvironmentVariable(variable));

    internal static int Parse(string variable, string? value) => value switch
    {
        null or "" => Default,
        "random" => Random.Shared.Next(),
        _ when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var seed) => seed,
        _ => throw new ArgumentException($"{variable} must be a number from 0 to {int.MaxValue} or \"random\".", variable),
    };
}

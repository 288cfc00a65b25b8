using System.Text.Json;

namespace CapiRegistryHook.Cli.Options;

/// <summary>One option as people see it: a flag, an environment variable and a key of the options file, all of one name.</summary>
/// <param name="Name">The name in kebab case.</param>
/// <param name="Description">What it decides, as a sentence.</param>
/// <param name="Values">The values that it takes.</param>
/// <param name="Default">The default as text; empty when there is none.</param>
internal sealed record ServiceOption(string Name, string Description, OptionValues Values, string Default)
{
    /// <summary>
    /// Not CAPI_REGISTRY_HOOK_: Kubernetes itself puts variables of that prefix into pods beside a Service named
    /// capi-registry-hook, and then unknown ones could not be refused.
    /// </summary>
    public const string EnvironmentPrefix = "REGISTRY_HOOK_";

    public string Flag => "--" + Name;

    public string Environment => EnvironmentPrefix + Name.Replace('-', '_').ToUpperInvariant();

    public string FileKey =>
        string.Concat(Name.Split('-').Select((word, index) => index == 0 ? word : char.ToUpperInvariant(word[0]) + word[1..]));

    /// <summary>The description with range and default, as <c>--help</c> shows it.</summary>
    public string Help =>
        Description + (Values.Range.Length == 0 ? "" : $" [{Values.Range}]") + (Default.Length == 0 ? "" : $" [default: {Default}]");

    /// <summary>The option that sets a property of an options record.</summary>
    public static string NameOf(string property) => JsonNamingPolicy.KebabCaseLower.ConvertName(property);
}

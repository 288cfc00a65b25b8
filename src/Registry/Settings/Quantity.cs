using System.Globalization;

namespace CapiRegistryHook.Registry.Settings;

/// <summary>
/// An amount as Kubernetes writes it, for example <c>100m</c>, <c>2</c> or <c>50Gi</c>. The forms that nobody writes (exponents, nano,
/// micro) are left out, here and in the chart's schema.
/// </summary>
/// <param name="Value">The amount without its suffix.</param>
internal readonly record struct Quantity(decimal Value)
{
    private const string Decimals = "kMGTPE";

    /// <summary>The largest amount that Kubernetes holds without loss is 2^63-1.</summary>
    private const decimal Largest = long.MaxValue;

    public static bool TryParse(string text, out Quantity quantity)
    {
        quantity = default;
        var number = string.Concat(text.TakeWhile(letter => char.IsAsciiDigit(letter) || letter == '.'));
        if (number.Length == 0 || number.StartsWith('.') || number.EndsWith('.')
            || !decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value)
            || !TryReadSuffix(text[number.Length..], out var factor) || value > Largest / Math.Max(factor, 1))
            return false;
        quantity = new Quantity(value * factor);
        return true;
    }

    /// <summary>Whether an amount is less than another one; false when either is none.</summary>
    public static bool IsLess(string one, string other) =>
        TryParse(one, out var less) && TryParse(other, out var more) && less.Value < more.Value;

    private static bool TryReadSuffix(string suffix, out decimal factor)
    {
        factor = suffix switch
        {
            "" => 1,
            "m" => 0.001m,
            [var letter] when Decimals.Contains(letter, StringComparison.Ordinal) =>
                Power(1000, Decimals.IndexOf(letter, StringComparison.Ordinal) + 1),
            "Ki" => 1024,
            [var letter, 'i'] when letter != 'k' && Decimals.Contains(letter, StringComparison.Ordinal) =>
                Power(1024, Decimals.IndexOf(letter, StringComparison.Ordinal) + 1),
            _ => 0,
        };
        return factor > 0;
    }

    private static decimal Power(decimal value, int exponent) => exponent == 0 ? 1 : value * Power(value, exponent - 1);
}

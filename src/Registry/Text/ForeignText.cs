using System.Text.RegularExpressions;

namespace CapiRegistryHook.Registry.Text;

/// <summary>
/// What another program reports, made fit for a condition: one short line that stays the same while the cause does, without what may be
/// secret. A text that changes on every try would make controllers spin.
/// </summary>
internal static partial class ForeignText
{
    /// <summary>What comes after this is not looked at.</summary>
    private const int LongestRead = 2048;

    /// <summary>Cleans a message.</summary>
    /// <param name="message">The message; null and empty are the same.</param>
    /// <returns>At most 256 printable characters; empty when there is nothing to say.</returns>
    public static string Clean(string? message)
    {
        var start = message is { Length: > LongestRead } ? message[..LongestRead] : message ?? "";
        var text = Spaces().Replace(Pem().Replace(start, "(PEM)"), " ").Trim();
        text = Credentials().Replace(text, "://");
        text = Passing().Replace(text, "…");
        return text.Length == 0 ? "" : FieldText.Sentence(text).TrimEnd('.');
    }

    [GeneratedRegex(@"\s+", RegexOptions.CultureInvariant)]
    private static partial Regex Spaces();

    [GeneratedRegex("-----BEGIN [^-]{0,40}-----.*?(-----END [^-]{0,40}-----|$)", RegexOptions.CultureInvariant | RegexOptions.Singleline)]
    private static partial Regex Pem();

    /// <summary>User and password in a URL.</summary>
    [GeneratedRegex(@"://[^/\s@""]{1,256}@", RegexOptions.CultureInvariant)]
    private static partial Regex Credentials();

    /// <summary>
    /// What differs from try to try: uids, addresses in memory, moments, durations, ports and lookups of a connection, and long runs of
    /// letters and digits, which may be a key as well.
    /// </summary>
    [GeneratedRegex(
        @"\b[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b|\b0x[0-9a-fA-F]+\b"
            + @"|\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*|\b\d+(\.\d+)?(ns|µs|ms|s|m|h)(\d+(\.\d+)?(ms|s|m))*\b"
            + @"|(?<=:)\d{2,5}->\S+|\b[0-9A-Za-z+/_]{40,}={0,2}",
        RegexOptions.CultureInvariant)]
    private static partial Regex Passing();
}

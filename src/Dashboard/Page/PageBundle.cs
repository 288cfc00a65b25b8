using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace CapiRegistryHook.Dashboard.Page;

/// <summary>
/// The page's files, which are built into the program. The modules are joined into one script, in the order in which they use each
/// other, so that a live page and a file run the same text.
/// </summary>
internal static partial class PageBundle
{
    /// <summary>Each uses only those before it.</summary>
    private static readonly string[] Modules =
        ["dom", "format", "fleet-model", "parts", "rows", "source", "fleet", "content", "registry", "timeline", "changes", "app"];

    /// <summary>The page without its style, its script and its data.</summary>
    public static string Html { get; } = Read("page.html");

    public static string Style { get; } = Read("page.css");

    /// <summary>All modules as one, in a scope of its own.</summary>
    public static string Script { get; } = string.Concat(Modules.Select(name =>
        $"/* {name}.js */\n{Export().Replace(Import().Replace(Read($"{name}.js"), ""), "")}"));

    /// <summary>The live page: style and script come from beside it.</summary>
    public static string Live { get; } = Fill(
        "<link rel=\"stylesheet\" href=\"page.css\">", "<script type=\"module\" src=\"page.js\"></script>");

    /// <summary>The page with something at the end of its head, and at the end of its body.</summary>
    public static string Fill(string head, string body) =>
        Html.Replace("<!--head-->", head, StringComparison.Ordinal).Replace("<!--body-->", body, StringComparison.Ordinal);

    /// <summary>Names a style or a script in a Content-Security-Policy.</summary>
    public static string HashOf(string text) => $"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)))}'";

    private static string Read(string name)
    {
        using var stream = typeof(PageBundle).Assembly.GetManifestResourceStream($"page/{name}")
            ?? throw new MissingManifestResourceException(name);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    [GeneratedRegex(@"^import [^;]*;\n", RegexOptions.Multiline)]
    private static partial Regex Import();

    [GeneratedRegex(@"^export ", RegexOptions.Multiline)]
    private static partial Regex Export();
}

/// <summary>A file of the page is not in the program.</summary>
internal sealed class MissingManifestResourceException(string name) : Exception($"The program was built without {name}.");

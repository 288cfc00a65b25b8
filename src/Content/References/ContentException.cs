using System.Globalization;

namespace CapiRegistryHook.Content.References;

/// <summary>Content, or the place it is in, is not as it has to be. The message is one sentence that names the thing.</summary>
public class ContentException : Exception
{
    private const int LongestMessage = 1000;

    /// <summary>An exception without a sentence of its own.</summary>
    public ContentException()
    {
    }

    /// <summary>What is wrong with what.</summary>
    /// <param name="message">One sentence that a person can act on.</param>
    public ContentException(string message)
        : base(Printable(message))
    {
    }

    /// <summary>What is wrong with what, and what caused it.</summary>
    /// <param name="message">One sentence that a person can act on.</param>
    /// <param name="innerException">The cause.</param>
    public ContentException(string message, Exception innerException)
        : base(Printable(message), innerException)
    {
    }

    /// <summary>True when the same call may well succeed a moment later.</summary>
    public bool IsTransient { get; init; }

    // Names in archives and answers of registries are other people's text, and this is printed on terminals.
    private static string Printable(string message)
    {
        var text = string.Concat(message
            .Select(character => char.IsControl(character) || char.IsSurrogate(character) || IsFormat(character) ? '?' : character));
        return text.Length <= LongestMessage ? text : string.Concat(text.AsSpan(0, LongestMessage - 3), "...");
    }

    private static bool IsFormat(char character) => char.GetUnicodeCategory(character)
        is UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
}

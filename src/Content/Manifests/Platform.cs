using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Content.Manifests;

/// <summary>What an image runs on, for example <c>linux/arm64/v8</c>.</summary>
/// <param name="Os">The operating system.</param>
/// <param name="Architecture">The architecture, as Go names it.</param>
/// <param name="Variant">The variant of the architecture; null for none.</param>
public sealed record Platform(string Os, string Architecture, string? Variant = null)
{
    /// <summary>Reads <c>os/architecture</c> or <c>os/architecture/variant</c>.</summary>
    /// <exception cref="ContentException">The text is something else.</exception>
    public static Platform Parse(string text)
    {
        var parts = text.Split('/');
        if (parts.Length is not (2 or 3) || !parts.All(IsWord))
            throw new ContentException($"'{Digest.Shorten(text)}' is not a platform: write os/architecture, for example linux/amd64.");
        return new Platform(parts[0], parts[1], parts.Length == 3 ? parts[2] : null);
    }

    /// <summary>True when an image for that platform is asked for by this one; without a variant, every variant is.</summary>
    public bool Includes(Platform other) =>
        Os == other.Os && Architecture == other.Architecture
            && (Variant is null || Variant == other.Variant || (Variant == "v8" && other.Variant is null && Architecture == "arm64"));

    /// <inheritdoc/>
    public override string ToString() => Variant is null ? $"{Os}/{Architecture}" : $"{Os}/{Architecture}/{Variant}";

    internal static bool IsWord(string text) =>
        text.Length is > 0 and <= 64 && text.All(character => char.IsAsciiLetterOrDigit(character) || character is '_' or '.' or '-');
}

using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Content.Layouts;

/// <summary>How the index of a layout names its entries.</summary>
public static class LayoutNames
{
    /// <summary>The name by which skopeo, oras and regctl choose an entry.</summary>
    public const string RefName = "org.opencontainers.image.ref.name";

    /// <summary>The full name, under which containerd imports an image.</summary>
    public const string FullName = "io.containerd.image.name";

    /// <summary>Marks entries that belong to another one (signatures, SBOMs): the digest of their subject.</summary>
    public const string AttachedTo = "capi-registry-hook.io/attached-to";

    /// <summary>The tag by which cosign finds an attached entry.</summary>
    public const string AttachedTag = "capi-registry-hook.io/attached-tag";

    /// <summary>The type of the artifact in a bundle that lists what the bundle holds.</summary>
    public const string LockType = "application/vnd.capi-registry-hook.bundle.lock.v1+json";

    private static readonly string[] CosignSuffixes = [".sig", ".att", ".sbom"];

    /// <summary>The tags under which cosign keeps what belongs to a manifest.</summary>
    public static IEnumerable<string> CosignTags(Digest subject) =>
        CosignSuffixes.Select(suffix => $"{subject.Algorithm}-{subject.Hex}{suffix}");

    /// <summary>The manifest that a cosign tag belongs to; null for other tags.</summary>
    public static Digest? SubjectOf(string tag)
    {
        var suffix = Array.Find(CosignSuffixes, suffix => tag.EndsWith(suffix, StringComparison.Ordinal));
        var dash = tag.IndexOf('-', StringComparison.Ordinal);
        return suffix is not null && dash > 0 && Digest.TryParse($"{tag[..dash]}:{tag[(dash + 1)..^suffix.Length]}", out var digest)
            ? digest : null;
    }

    internal static string? LabelOf(Descriptor entry) =>
        entry.Annotations.GetValueOrDefault(FullName) is { Length: > 0 } full ? full
        : entry.Annotations.GetValueOrDefault(RefName) is { Length: > 0 } name ? name : null;

    /// <summary>The full name of an entry; a bare tag such as <c>1.25</c> is none.</summary>
    internal static Reference? NameOf(string? label) =>
        label is not null && label.AsSpan().ContainsAny('/', ':') && Reference.TryParse(label, out var reference) ? reference : null;
}

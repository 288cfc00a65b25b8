namespace CapiRegistryHook.Content.Manifests;

/// <summary>What content is, for lists.</summary>
public enum ContentKind
{
    /// <summary>A container image, of one platform or several.</summary>
    Image,

    /// <summary>A Helm chart.</summary>
    Chart,

    /// <summary>A signature of other content.</summary>
    Signature,

    /// <summary>A signed statement about other content.</summary>
    Attestation,

    /// <summary>A software bill of materials.</summary>
    Sbom,

    /// <summary>Anything else.</summary>
    Artifact,
}

/// <summary>Tells kinds apart by the types that a manifest names.</summary>
public static class ContentKinds
{
    /// <summary>The kind of a manifest; an index is an image unless it says something else.</summary>
    public static ContentKind Of(Manifest manifest)
    {
        string?[] types = [manifest.ArtifactType, manifest.Config?.MediaType, .. manifest.Layers.Take(4).Select(layer => layer.MediaType)];
        var all = types.OfType<string>().ToList();
        if (all.Contains(MediaTypes.HelmConfig))
            return ContentKind.Chart;
        if (Any(all, "cosign.simplesigning", "cncf.notary.signature", "sigstore.bundle"))
            return ContentKind.Signature;
        if (Any(all, "in-toto", "dsse.envelope"))
            return ContentKind.Attestation;
        if (Any(all, "spdx", "cyclonedx", "syft"))
            return ContentKind.Sbom;
        var isImage = manifest.ArtifactType is null
            && (manifest.IsIndex || manifest.Config?.MediaType is MediaTypes.OciConfig or MediaTypes.DockerConfig);
        return isImage ? ContentKind.Image : ContentKind.Artifact;
    }

    private static bool Any(List<string> types, params string[] words) =>
        types.Exists(type => words.Any(word => type.Contains(word, StringComparison.OrdinalIgnoreCase)));
}

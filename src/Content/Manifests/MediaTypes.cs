namespace CapiRegistryHook.Content.Manifests;

/// <summary>The media types that decide what is done with content.</summary>
public static class MediaTypes
{
    /// <summary>An OCI manifest.</summary>
    public const string OciManifest = "application/vnd.oci.image.manifest.v1+json";

    /// <summary>An OCI index.</summary>
    public const string OciIndex = "application/vnd.oci.image.index.v1+json";

    /// <summary>A manifest of Docker's schema 2.</summary>
    public const string DockerManifest = "application/vnd.docker.distribution.manifest.v2+json";

    /// <summary>A manifest list of Docker's schema 2.</summary>
    public const string DockerIndex = "application/vnd.docker.distribution.manifest.list.v2+json";

    /// <summary>The configuration of an OCI image.</summary>
    public const string OciConfig = "application/vnd.oci.image.config.v1+json";

    /// <summary>The configuration of a Docker image.</summary>
    public const string DockerConfig = "application/vnd.docker.container.image.v1+json";

    /// <summary>An uncompressed layer.</summary>
    public const string OciLayer = "application/vnd.oci.image.layer.v1.tar";

    /// <summary>The configuration of a Helm chart: Chart.yaml as JSON.</summary>
    public const string HelmConfig = "application/vnd.cncf.helm.config.v1+json";

    /// <summary>The archive of a Helm chart.</summary>
    public const string HelmChart = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";

    /// <summary>The signature of a Helm chart, beside its archive.</summary>
    public const string HelmProvenance = "application/vnd.cncf.helm.chart.provenance.v1.prov";

    /// <summary>The configuration of artifacts that have none: <c>{}</c>.</summary>
    public const string Empty = "application/vnd.oci.empty.v1+json";

    internal const string DockerSchema1 = "application/vnd.docker.distribution.manifest.v1";

    /// <summary>All that a registry may answer a request for a manifest with.</summary>
    public static IReadOnlyList<string> AllManifests { get; } = [OciManifest, OciIndex, DockerManifest, DockerIndex];

    /// <summary>True for an OCI index and a Docker manifest list.</summary>
    public static bool IsIndex(string mediaType) => mediaType is OciIndex or DockerIndex;

    /// <summary>True for what is a manifest itself: an index or a manifest of one platform.</summary>
    public static bool IsManifest(string mediaType) => AllManifests.Contains(mediaType);

    /// <summary>True for layers that their authors do not allow to be passed on; they are fetched from where the manifest says.</summary>
    public static bool IsForeignLayer(string mediaType) =>
        mediaType.StartsWith("application/vnd.oci.image.layer.nondistributable.", StringComparison.Ordinal)
            || mediaType.Contains(".foreign.", StringComparison.Ordinal);
}

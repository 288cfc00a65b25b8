using System.Text.Json.Serialization;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Registry.Contents;

/// <summary>
/// capi-registry-hook.io/v1alpha1 RegistryContent: what the registries of the Clusters that it selects have to hold, and where it comes
/// from. <see cref="ContentRules"/> checks it; API servers before 1.25 know no validation rules in definitions.
/// </summary>
public sealed record RegistryContent : IKubernetesObject
{
    /// <inheritdoc/>
    public string? ApiVersion { get; init; } = $"{ContentResources.Group}/v1alpha1";

    /// <inheritdoc/>
    public string? Kind { get; init; } = "RegistryContent";

    /// <inheritdoc/>
    public ObjectMeta Metadata { get; init; } = new();

    /// <summary>What is wanted; null in what is only a status.</summary>
    public RegistryContentSpec? Spec { get; init; }

    /// <summary>What the syncer last found; null until it did.</summary>
    public RegistryContentStatus? Status { get; init; }

    /// <summary>Namespace and name.</summary>
    [JsonIgnore]
    public ContentKey Key => new(Metadata.Namespace ?? "", Metadata.Name ?? "");
}

/// <summary>Names a RegistryContent.</summary>
/// <param name="Namespace">Its namespace.</param>
/// <param name="Name">Its name.</param>
public readonly record struct ContentKey(string Namespace, string Name)
{
    /// <summary>Namespace and name as Kubernetes writes them.</summary>
    public override string ToString() => $"{Namespace}/{Name}";
}

/// <summary>The spec of a <see cref="RegistryContent"/>.</summary>
public sealed record RegistryContentSpec
{
    /// <summary>Where the content is fetched.</summary>
    public ContentSource? Source { get; init; }

    /// <summary>What the content is; null for all that a bundle holds.</summary>
    public ContentLock? Lock { get; init; }

    /// <summary>Which Clusters get it; without requirements all of them.</summary>
    public ClusterSelector? ClusterSelector { get; init; }

    /// <summary>Clusters of all namespaces are selected, where the admin allows it; otherwise those of the content's own.</summary>
    public bool? AllNamespaces { get; init; }

    /// <summary>
    /// The Kubernetes versions whose upgrade needs this content: <c>v1.35.2</c>, or <c>v1.35</c> for each of its patches.
    /// </summary>
    public IReadOnlyList<string>? KubernetesVersions { get; init; }

    /// <summary>Who brings content into a registry: <see cref="Push"/>, the default, or <see cref="Pull"/>.</summary>
    public string? Delivery { get; init; }

    /// <summary>The syncer sends what is missing, through the workload cluster's API server.</summary>
    public const string Push = "Push";

    /// <summary>Each registry fetches what is missing from the source by itself, as the syncer tells it.</summary>
    public const string Pull = "Pull";

    /// <summary>Tags of entries that left the lock are removed from registries; false by default.</summary>
    public bool? Prune { get; init; }

    /// <summary>Nothing is sent while true.</summary>
    public bool? Suspend { get; init; }

    /// <summary>When content is sent, in UTC; at any time without them.</summary>
    public IReadOnlyList<SyncWindow>? Windows { get; init; }
}

/// <summary>Where content is fetched; exactly one of both.</summary>
/// <param name="Registry">A registry that the management cluster reaches.</param>
/// <param name="Bundle">A bundle on a volume of the syncer.</param>
public sealed record ContentSource(RegistrySourceSpec? Registry = null, BundleSourceSpec? Bundle = null);

/// <summary>A registry as a source.</summary>
public sealed record RegistrySourceSpec
{
    /// <summary>Host and, where it is not 443, port.</summary>
    public string? Host { get; init; }

    /// <summary>What stands before each repository; null for nothing.</summary>
    public string? Prefix { get; init; }

    /// <summary>
    /// Where images of other hosts lie: <c>Path</c>, the default (docker.io/library/nginx in library/nginx), or <c>Host</c>
    /// (docker.io/library/nginx in docker.io/library/nginx).
    /// </summary>
    public string? Layout { get; init; }

    /// <summary>
    /// A Secret beside the content with the login, of type kubernetes.io/dockerconfigjson or kubernetes.io/basic-auth; null for none.
    /// </summary>
    public SecretRef? CredentialsSecretRef { get; init; }

    /// <summary>A Secret beside the content whose key <c>ca.crt</c> verifies the host; null for the authorities of the syncer.</summary>
    public SecretRef? CaSecretRef { get; init; }
}

/// <summary>An object beside the content.</summary>
/// <param name="Name">Its name.</param>
public sealed record SecretRef(string? Name);

/// <summary>A bundle as a source.</summary>
/// <param name="Path">Its path in the folder of the content's namespace on the syncer's volume of bundles.</param>
public sealed record BundleSourceSpec(string? Path);

/// <summary>What content is; exactly one of the three.</summary>
public sealed record ContentLock
{
    /// <summary>References as manifests write them, by tag, by digest or by both.</summary>
    public IReadOnlyList<string>? Content { get; init; }

    /// <summary>A ConfigMap beside the content with the lock of a bundle, or with a reference a line.</summary>
    public ConfigMapKeyRef? ConfigMapRef { get; init; }

    /// <summary>An artifact in the source registry.</summary>
    public LockArtifactRef? Artifact { get; init; }
}

/// <summary>A key of a ConfigMap.</summary>
/// <param name="Name">The ConfigMap.</param>
/// <param name="Key">The key; null for <see cref="DefaultKey"/>.</param>
public sealed record ConfigMapKeyRef(string? Name, string? Key = null)
{
    /// <summary>The key where none is given.</summary>
    public const string DefaultKey = "lock";
}

/// <summary>An artifact that holds a lock.</summary>
/// <param name="Repository">Its repository in the source, as it is.</param>
/// <param name="Digest">The digest of its manifest.</param>
public sealed record LockArtifactRef(string? Repository, string? Digest);

/// <summary>Part of a day in UTC.</summary>
/// <param name="From">Its begin, as hh:mm.</param>
/// <param name="To">Its end, as hh:mm; before or at its begin on the next day.</param>
/// <param name="Days">The days on which it begins, as Mon to Sun; null or empty for all.</param>
public sealed record SyncWindow(string? From, string? To, IReadOnlyList<string>? Days = null);

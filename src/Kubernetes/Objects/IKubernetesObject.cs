namespace CapiRegistryHook.Kubernetes.Objects;

/// <summary>What every object of the API has. Items of a list of built-in kinds come without the first two, so a type may state them
/// itself.</summary>
public interface IKubernetesObject
{
    /// <summary>Group and version, as in <c>apps/v1</c>; the core group is <c>v1</c>.</summary>
    string? ApiVersion { get; }

    /// <summary>The kind, as in <c>Secret</c>.</summary>
    string? Kind { get; }

    /// <summary>Name, namespace, labels and the fields the API server keeps.</summary>
    ObjectMeta Metadata { get; }
}

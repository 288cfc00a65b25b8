namespace CapiRegistryHook.Kubernetes.Objects;

/// <summary>The metadata of an object. What is null is absent and is not written.</summary>
public sealed record ObjectMeta
{
    /// <summary>The name, unique for the kind in its namespace.</summary>
    public string? Name { get; init; }

    /// <summary>A prefix from which the API server makes a name when there is none.</summary>
    public string? GenerateName { get; init; }

    /// <summary>The namespace; absent on cluster-scoped objects.</summary>
    public string? Namespace { get; init; }

    /// <summary>The identity of this very object; a new object of the same name has another.</summary>
    public string? Uid { get; init; }

    /// <summary>The version of the stored object: opaque, to compare for equality only. Set on a write, it is an optimistic lock.</summary>
    public string? ResourceVersion { get; init; }

    /// <summary>Counts the changes of the desired state; kept by the API server.</summary>
    public long? Generation { get; init; }

    /// <summary>When the API server stored the object first.</summary>
    public DateTimeOffset? CreationTimestamp { get; init; }

    /// <summary>Since when the object waits for its finalizers before it goes.</summary>
    public DateTimeOffset? DeletionTimestamp { get; init; }

    /// <summary>Labels, by which objects are selected.</summary>
    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    /// <summary>Annotations, which carry what nobody selects by.</summary>
    public IReadOnlyDictionary<string, string>? Annotations { get; init; }

    /// <summary>The objects without which this one is collected.</summary>
    public IReadOnlyList<OwnerReference>? OwnerReferences { get; init; }

    /// <summary>Who has to agree before the object goes.</summary>
    public IReadOnlyList<string>? Finalizers { get; init; }

    /// <summary>Whether an API server could store this: a name and a namespace that are usable in paths, and no nulls inside.</summary>
    internal bool IsValid =>
        NamespacedName.IsSegment(Name)
        && (string.IsNullOrEmpty(Namespace) || NamespacedName.IsSegment(Namespace))
        && Labels?.Values.Contains(null!) != true
        && Annotations?.Values.Contains(null!) != true
        && OwnerReferences?.Any(owner => owner is not { ApiVersion: not null, Kind: not null, Name: not null, Uid: not null }) != true
        && Finalizers?.Contains(null!) != true;
}

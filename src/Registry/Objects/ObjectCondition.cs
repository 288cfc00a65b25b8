using System.Text.Json.Serialization;

namespace CapiRegistryHook.Registry.Objects;

/// <summary>What controllers report of an object.</summary>
internal sealed record ObjectStatus
{
    public IReadOnlyList<ObjectCondition>? Conditions { get; init; }

    /// <summary>The generation that the controller has acted on; null when it does not say.</summary>
    public long? ObservedGeneration { get; init; }

    /// <summary>Where a Machine answers.</summary>
    public IReadOnlyList<MachineAddress?>? Addresses { get; init; }

    /// <summary>The condition of a type; null when there is none.</summary>
    public ObjectCondition? Find(string type) => Conditions?.FirstOrDefault(condition => condition.Type == type);
}

/// <summary>One condition of an object, as Cluster API and its providers write them.</summary>
internal sealed record ObjectCondition
{
    public string? Type { get; init; }

    /// <summary><c>True</c>, <c>False</c> or <c>Unknown</c>.</summary>
    public string? Status { get; init; }

    /// <summary>Why, as one word in CamelCase.</summary>
    public string? Reason { get; init; }

    /// <summary>Why, as sentences; may be empty.</summary>
    public string? Message { get; init; }

    /// <summary>When <see cref="Status"/> last changed, as in <c>2026-01-02T03:04:05Z</c>.</summary>
    public string? LastTransitionTime { get; init; }

    /// <summary>The generation of the object that it is about.</summary>
    public long? ObservedGeneration { get; init; }

    [JsonIgnore]
    public bool IsFalse => Status == "False";
}

/// <summary>An address of a Machine.</summary>
/// <param name="Type">For example <c>InternalIP</c>.</param>
/// <param name="Address">An IP address or, for other types, a name.</param>
internal sealed record MachineAddress(string? Type, string? Address);

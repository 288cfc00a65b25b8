using System.Text.Json.Serialization;

namespace CapiRegistryHook.Kubernetes.Objects;

/// <summary>An events.k8s.io/v1 Event: something a person looking at an object should know. The API server keeps it for an hour by
/// default.</summary>
public sealed record Event : IKubernetesObject
{
    /// <summary>Always <c>events.k8s.io/v1</c>.</summary>
    public string ApiVersion => "events.k8s.io/v1";

    /// <summary>Always <c>Event</c>.</summary>
    public string Kind => "Event";

    /// <inheritdoc/>
    public ObjectMeta Metadata { get; init; } = new();

    /// <summary>When it happened first; required.</summary>
    [JsonConverter(typeof(MicroTimeConverter))]
    public DateTimeOffset? EventTime { get; init; }

    /// <summary>Who reports, as in <c>capi-registry-hook.io/reconciler</c>; required.</summary>
    public string? ReportingController { get; init; }

    /// <summary>Which replica reports, at most 128 characters; required.</summary>
    public string? ReportingInstance { get; init; }

    /// <summary>What was done, in one word for machines, at most 128 characters; required.</summary>
    public string? Action { get; init; }

    /// <summary>Why, in one word for machines, at most 128 characters; required.</summary>
    public string? Reason { get; init; }

    /// <summary>The object the event is about; it lies in the event's namespace.</summary>
    public ObjectReference? Regarding { get; init; }

    /// <summary>One sentence for people, at most 1 kB.</summary>
    public string? Note { get; init; }

    /// <summary><c>Normal</c> or <c>Warning</c>.</summary>
    public string? Type { get; init; }
}

/// <summary>Names an object in another one.</summary>
public sealed record ObjectReference
{
    /// <summary>Group and version of the object.</summary>
    public string? ApiVersion { get; init; }

    /// <summary>Kind of the object.</summary>
    public string? Kind { get; init; }

    /// <summary>Namespace of the object; absent for cluster-scoped ones.</summary>
    public string? Namespace { get; init; }

    /// <summary>Name of the object.</summary>
    public string? Name { get; init; }

    /// <summary>The uid of the object.</summary>
    public string? Uid { get; init; }
}

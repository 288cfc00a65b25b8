using System.Text.Json.Serialization;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Registry.Objects;

/// <summary>Any object, of which only the metadata and the conditions matter.</summary>
internal sealed record ObjectHeader : IKubernetesObject
{
    /// <summary>An annotation that nothing is reconciled for.</summary>
    public const string Noted = "capi-registry-hook.io/volumes";

    public string? ApiVersion { get; init; }

    public string? Kind { get; init; }

    public ObjectMeta Metadata { get; init; } = new();

    public ObjectStatus? Status { get; init; }

    /// <summary>
    /// Differs when a condition became true, false or unknown. Its message and its times may change every few seconds and change nothing
    /// here.
    /// </summary>
    [JsonIgnore]
    public int Conditions
    {
        get
        {
            var hash = new HashCode();
            foreach (var condition in (Status?.Conditions ?? []).OrderBy(condition => condition.Type, StringComparer.Ordinal))
                hash.Add((condition.Type, condition.Status));
            return hash.ToHashCode();
        }
    }

    /// <summary>
    /// Differs when something changed that may matter: the spec (by its generation), labels, annotations, owners, the deletion. A
    /// status that is written every few seconds changes nothing here, and neither does what this service notes about volumes.
    /// </summary>
    [JsonIgnore]
    public int Fingerprint
    {
        get
        {
            var hash = new HashCode();
            hash.Add(Metadata.Uid);
            hash.Add(Metadata.Generation);
            hash.Add(Metadata.DeletionTimestamp);
            foreach (var (key, value) in Sorted(Metadata.Labels).Concat(Sorted(Metadata.Annotations).Where(entry => entry.Key != Noted)))
                hash.Add((key, value));
            foreach (var owner in Metadata.OwnerReferences ?? [])
                hash.Add(owner.Uid);
            return hash.ToHashCode();
        }
    }

    private static IEnumerable<KeyValuePair<string, string>> Sorted(IReadOnlyDictionary<string, string>? map) =>
        (map ?? new Dictionary<string, string>()).OrderBy(entry => entry.Key, StringComparer.Ordinal);
}

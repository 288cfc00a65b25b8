using System.Collections.Immutable;

namespace CapiRegistryHook.Harness.Embedded;

/// <summary>
/// All objects as they were at one revision. Snapshots share their structure, so that keeping the recent ones costs little.
/// </summary>
internal sealed record Snapshot(long Revision, ImmutableDictionary<string, ImmutableSortedDictionary<string, StoredObject>> Objects)
{
    private static readonly ImmutableSortedDictionary<string, StoredObject> None =
        ImmutableSortedDictionary.Create<string, StoredObject>(StringComparer.Ordinal);

    /// <summary>A fresh etcd starts at revision 1.</summary>
    public static readonly Snapshot Empty = new(1, ImmutableDictionary<string, ImmutableSortedDictionary<string, StoredObject>>.Empty);

    public ImmutableSortedDictionary<string, StoredObject> Of(ApiResource resource) => Objects.GetValueOrDefault(resource.Plural, None);

    public StoredObject? Find(ApiResource resource, string @namespace, string name) =>
        Of(resource).GetValueOrDefault(StoredObject.KeyOf(@namespace, name));

    public Snapshot With(StoredObject value) =>
        new(value.Revision, Objects.SetItem(value.Resource.Plural, Of(value.Resource).SetItem(value.Key, value)));

    public Snapshot Without(StoredObject value, long revision) =>
        new(revision, Objects.SetItem(value.Resource.Plural, Of(value.Resource).Remove(value.Key)));
}

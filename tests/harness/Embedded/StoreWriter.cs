using System.Text.Json.Nodes;

namespace CapiRegistryHook.Harness.Embedded;

/// <summary>
/// The one writer that <see cref="ObjectStore.Write"/> lets in: reads and commits, each commit under a revision of its own.
/// </summary>
internal sealed class StoreWriter(ObjectStore store)
{
    public bool HasWritten { get; private set; }

    public Snapshot Current => store.Current;

    public StoredObject? Find(ApiResource resource, string @namespace, string name) => Current.Find(resource, @namespace, name);

    /// <param name="value">The object in its stored version; it is not used afterwards.</param>
    public StoredObject Put(ApiResource resource, JsonObject value)
    {
        var stored = new StoredObject(resource, value, Current.Revision + 1);
        var before = Find(resource, stored.Namespace, stored.Name);
        Commit(before, stored, Current.With(stored));
        return stored;
    }

    public void Remove(StoredObject value)
    {
        var revision = Current.Revision + 1;
        var last = new StoredObject(value.Resource, value.ToJson(), revision);
        Commit(last, null, Current.Without(value, revision));
    }

    private void Commit(StoredObject? before, StoredObject? after, Snapshot snapshot)
    {
        store.Commit(before, after, snapshot);
        HasWritten = true;
    }
}

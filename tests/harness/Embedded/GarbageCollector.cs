using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace CapiRegistryHook.Harness.Embedded;

internal enum Propagation { Background, Foreground, Orphan }

/// <summary>
/// What controllers do on a real cluster after a delete, done at once: dependents whose last owner is gone go too, and a terminating
/// namespace
/// goes with its last object. Finalizers hold an object back.
/// </summary>
internal sealed class GarbageCollector(TimeProvider time)
{
    /// <summary>Deletes, or marks when finalizers hold the object back. Returns what is left of it.</summary>
    public StoredObject? Delete(StoreWriter writer, StoredObject value, Propagation policy)
    {
        if (value.Resource == ResourceTable.Namespaces) return DeleteNamespace(writer, value);
        if (!HasFinalizers(value))
        {
            Remove(writer, value, policy);
            return null;
        }

        return value.IsTerminating ? value : Mark(writer, value);
    }

    public void Remove(StoreWriter writer, StoredObject value, Propagation policy)
    {
        writer.Remove(value);
        foreach (var dependent in Dependents(writer, value))
        {
            if (policy == Propagation.Orphan) Orphan(writer, dependent, value.Uid);
            else if (IsAbandoned(writer, dependent)) Delete(writer, dependent, policy);
        }

        if (writer.Find(ResourceTable.Namespaces, "", value.Namespace) is { IsTerminating: true } home) RemoveIfEmpty(writer, home);
    }

    private StoredObject DeleteNamespace(StoreWriter writer, StoredObject value)
    {
        var marked = value.IsTerminating ? value : Mark(writer, value);
        foreach (var content in Contents(writer, value.Name))
            if (writer.Find(content.Resource, content.Namespace, content.Name) is { } present)
                Delete(writer, present, Propagation.Background);
        if (writer.Find(ResourceTable.Namespaces, "", value.Name) is { } left) RemoveIfEmpty(writer, left);
        return marked;
    }

    private static void RemoveIfEmpty(StoreWriter writer, StoredObject home)
    {
        if (Contents(writer, home.Name).IsEmpty && !HasFinalizers(home)) writer.Remove(home);
    }

    private StoredObject Mark(StoreWriter writer, StoredObject value)
    {
        var json = value.ToJson();
        json["metadata"]!["deletionTimestamp"] = ApiTime.Format(time.GetUtcNow());
        json["metadata"]!["deletionGracePeriodSeconds"] = 0;
        if (value.Resource.Custom) json["metadata"]!["generation"] = (long?)json["metadata"]!["generation"] + 1;
        if (value.Resource == ResourceTable.Namespaces)
        {
            json["status"] = new JsonObject { ["phase"] = "Terminating" };
            json["metadata"]!.AsObject().Remove("deletionGracePeriodSeconds");
        }

        return writer.Put(value.Resource, json);
    }

    private static void Orphan(StoreWriter writer, StoredObject dependent, string uid)
    {
        var json = dependent.ToJson();
        var owners = json["metadata"]!["ownerReferences"]!.AsArray();
        foreach (var owner in owners.Where(owner => (string?)owner!["uid"] == uid).ToList()) owners.Remove(owner);
        if (owners.Count == 0) json["metadata"]!.AsObject().Remove("ownerReferences");
        writer.Put(dependent.Resource, json);
    }

    private static bool HasFinalizers(StoredObject value) => value.ToJson()["metadata"]!["finalizers"] is JsonArray { Count: > 0 };

    private static bool IsAbandoned(StoreWriter writer, StoredObject dependent) =>
        writer.Find(dependent.Resource, dependent.Namespace, dependent.Name) == dependent
        && !All(writer).Any(candidate => dependent.OwnerUids.Contains(candidate.Uid));

    // An owner lives in its dependents' namespace, or in none.
    private static ImmutableArray<StoredObject> Dependents(StoreWriter writer, StoredObject owner) =>
        [.. All(writer).Where(candidate => candidate.OwnerUids.Contains(owner.Uid)
            && (owner.Namespace.Length == 0 || candidate.Namespace == owner.Namespace))];

    private static ImmutableArray<StoredObject> Contents(StoreWriter writer, string @namespace) =>
        [.. All(writer).Where(candidate => candidate.Namespace == @namespace)];

    private static IEnumerable<StoredObject> All(StoreWriter writer) => writer.Current.Objects.Values.SelectMany(objects => objects.Values);
}

using System.Text.Json.Nodes;

namespace CapiRegistryHook.Harness.Embedded;

/// <summary>Who writes: the field manager, the version it speaks, and when.</summary>
internal sealed record FieldWriter(string Manager, ServedVersion Version, string Time);

/// <summary>
/// The rules of server-side apply. An applier owns what it sends, loses what it no longer sends, and may not change what another manager
/// owns
/// unless forced; whoever updates by PUT or patch takes over what it changes. The rules are those of the Kubernetes documentation,
/// https://kubernetes.io/docs/reference/using-api/server-side-apply/.
/// </summary>
internal static class FieldOwnership
{
    // Fields that the server itself keeps: nobody owns them.
    private static readonly string[] System =
        ["name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation", "managedFields", "resourceVersion",
         "deletionTimestamp", "deletionGracePeriodSeconds"];

    /// <summary>The owners after <paramref name="after"/> was written over <paramref name="before"/> by create, PUT or patch.</summary>
    public static ManagedFields AfterUpdate(JsonObject? before, JsonObject after, ManagedFields current, FieldWriter writer)
    {
        var change = Compare(before, after, writer.Version);
        var written = change.Written;
        var lost = written.Union(change.Removed);
        var own = current.Entries.FirstOrDefault(entry => IsOwn(entry, writer, ManagedFieldsEntry.Update));
        var others = current.Entries.Where(entry => entry != own).Select(entry => Without(entry, lost));
        var mine = (own?.Fields ?? new FieldSet()).Union(written).Except(change.Removed);
        if (mine.IsEmpty) return new ManagedFields(others);
        var time = written.IsEmpty && own is not null ? own.Time : writer.Time;
        return new ManagedFields([.. others, Entry(writer, ManagedFieldsEntry.Update, mine, time)]);
    }

    /// <summary>Merges an applied object into the live one. A conflict is refused by an <see cref="ApiError"/> unless forced.</summary>
    public static (JsonObject Merged, ManagedFields Owners) Apply(
        JsonObject? live, JsonObject applied, ManagedFields current, FieldWriter writer, bool force)
    {
        var schema = writer.Version.Schema;
        var own = current.Entries.FirstOrDefault(entry => IsOwn(entry, writer, ManagedFieldsEntry.Apply));
        var others = current.Entries.Where(entry => entry != own).ToList();
        var mine = Strip(TypedValue.Fields(applied, schema));

        var merged = TypedValue.Merge(live, applied, schema)!.AsObject();
        if (own is not null) TypedValue.Prune(merged, own.Fields, new ManagedFields(others).Union().Union(mine), schema);

        var change = Compare(live, merged, writer.Version);
        var conflicts = others.Select(entry => (Entry: entry, Fields: entry.Fields.Intersect(change.Written)))
            .Where(conflict => !conflict.Fields.IsEmpty).ToList();
        if (conflicts.Count > 0 && !force) throw Refuse(conflicts);

        var lost = change.Written.Union(change.Removed);
        var time = own is not null && own.Fields.SameAs(mine) && lost.IsEmpty ? own.Time : writer.Time;
        var owners = others.Select(entry => Without(entry, lost)).Append(Entry(writer, ManagedFieldsEntry.Apply, mine, time));
        return (merged, new ManagedFields(owners));
    }

    private static bool IsOwn(ManagedFieldsEntry entry, FieldWriter writer, string operation) =>
        entry.IsBy(writer.Manager, operation, writer.Version.GroupVersion);

    private static ManagedFieldsEntry Entry(FieldWriter writer, string operation, FieldSet fields, string? time) =>
        new(writer.Manager, operation, writer.Version.GroupVersion, time, fields);

    private static ManagedFieldsEntry Without(ManagedFieldsEntry entry, FieldSet lost) => entry with { Fields = entry.Fields.Except(lost) };

    private static Comparison Compare(JsonObject? before, JsonObject after, ServedVersion version)
    {
        // Against an empty object and not against nothing, so that the root itself is never a member.
        var change = TypedValue.Compare(before ?? new JsonObject { ["metadata"] = new JsonObject() }, after, version.Schema);
        return new Comparison { Added = Strip(change.Added), Modified = Strip(change.Modified), Removed = Strip(change.Removed) };
    }

    private static FieldSet Strip(FieldSet set)
    {
        set.Children.Remove("f:apiVersion");
        set.Children.Remove("f:kind");
        if (set.Child("f:metadata") is not { } metadata) return set;
        metadata.Member = false;
        foreach (var field in System) metadata.Children.Remove("f:" + field);
        if (metadata.IsEmpty) set.Children.Remove("f:metadata");
        return set;
    }

    private static ApiError Refuse(List<(ManagedFieldsEntry Entry, FieldSet Fields)> conflicts)
    {
        var all = conflicts.SelectMany(conflict => conflict.Fields.Paths().Select(path => (Manager: conflict.Entry.Print(), Path: path)))
            .OrderBy(conflict => conflict.Manager, StringComparer.Ordinal).ToList();
        var causes = all.ConvertAll(
            conflict => new StatusCause("FieldManagerConflict", $"conflict with {conflict.Manager}", conflict.Path));
        if (all.Count == 1)
            return ApiError.ApplyConflict(causes, $"Apply failed with 1 conflict: conflict with {all[0].Manager}: {all[0].Path}");
        var lines = all.GroupBy(conflict => conflict.Manager)
            .SelectMany(group => group.Select(conflict => $"- {conflict.Path}").Prepend($"conflicts with {group.Key}:"));
        return ApiError.ApplyConflict(causes, $"Apply failed with {all.Count} conflicts: {string.Join('\n', lines)}");
    }
}

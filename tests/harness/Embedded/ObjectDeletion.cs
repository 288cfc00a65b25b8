using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace CapiRegistryHook.Harness.Embedded;

/// <summary>DeleteOptions, from the body and the query.</summary>
internal sealed record DeletionOptions(Propagation Policy, string? Uid, string? ResourceVersion)
{
    public static DeletionOptions Read(JsonNode? body, IQueryCollection query) => new(
        ((string?)body?["propagationPolicy"] ?? query["propagationPolicy"].FirstOrDefault()) switch
        {
            null or "" or "Background" => Propagation.Background,
            "Foreground" => Propagation.Foreground,
            "Orphan" => Propagation.Orphan,
            var other => throw ApiError.InvalidDeleteOptions(other),
        },
        (string?)body?["preconditions"]?["uid"],
        (string?)body?["preconditions"]?["resourceVersion"]);
}

/// <summary>DELETE of one object or of a collection.</summary>
internal sealed class ObjectDeletion(ObjectStore store, GarbageCollector garbage)
{
    // The namespaces that the NamespaceLifecycle admission keeps.
    private static readonly string[] Kept = ["default", "kube-system", "kube-public"];

    /// <returns>The object that was deleted, and whether it is still there, held back by finalizers.</returns>
    public (StoredObject Object, bool Remains) Delete(WriteRequest request, DeletionOptions options) => store.Write(writer =>
    {
        if (request.Resource == ResourceTable.Namespaces && Kept.Contains(request.Name))
            throw ApiError.Forbidden(request.Target, request.Name, "this namespace may not be deleted");
        var live = writer.Find(request.Resource, request.Namespace, request.Name) ?? throw ApiError.NotFound(request.Target, request.Name);
        Check(request, live, options);
        if (request.DryRun) return (live, false);
        var left = garbage.Delete(writer, live, options.Policy);
        return (left ?? live, left is not null);
    });

    public IReadOnlyList<StoredObject> DeleteAll(WriteRequest request, ObjectSelector selector) => store.Write(writer =>
    {
        var chosen = writer.Current.Of(request.Resource).Values.Where(selector.Matches).ToList();
        foreach (var value in chosen)
            if (!request.DryRun && writer.Find(value.Resource, value.Namespace, value.Name) is { } present)
                garbage.Delete(writer, present, Propagation.Background);
        return chosen;
    });

    private static void Check(WriteRequest request, StoredObject live, DeletionOptions options)
    {
        if (options.Uid is { } uid && uid != live.Uid) throw ApiError.DeletePrecondition(request.Target, live.Name, "UID", uid, live.Uid);
        var revision = live.Revision.ToString(CultureInfo.InvariantCulture);
        if (options.ResourceVersion is { } version && version != revision)
            throw ApiError.DeletePrecondition(request.Target, live.Name, "ResourceVersion", version, revision);
    }
}

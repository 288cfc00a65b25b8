using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace CapiRegistryHook.Harness.Embedded;

/// <summary>What a write led to.</summary>
internal readonly record struct WriteResult(StoredObject Object, bool Created);

/// <summary>
/// Create, PUT, patch and apply. Every one of them reads, decides and commits while no other writer is in the store, so that a
/// compare-and-swap
/// by resourceVersion has exactly one winner.
/// </summary>
internal sealed class ObjectWriter(ObjectStore store, GarbageCollector garbage, TimeProvider time)
{
    public WriteResult Create(WriteRequest request, JsonNode? body) => store.Write(writer =>
    {
        var value = ObjectIntake.Accept(request, body);
        var metadata = value["metadata"]!.AsObject();
        if (!string.IsNullOrEmpty((string?)metadata["resourceVersion"]))
            throw ApiError.Internal("resourceVersion should not be set on objects to be created");
        if (string.IsNullOrEmpty((string?)metadata["name"]) && (string?)metadata["generateName"] is { Length: > 0 } prefix)
            metadata["name"] = prefix + RandomNumberGenerator.GetString("bcdfghjklmnpqrstvwxz2456789", 5);
        metadata.Remove("managedFields");
        return new WriteResult(Save(writer, request, null, value, null), true);
    });

    public WriteResult Replace(WriteRequest request, JsonNode? body) => store.Write(writer =>
    {
        var value = ObjectIntake.Accept(request, body);
        if (writer.Find(request.Resource, request.Namespace, request.Name) is { } live)
        {
            if (!request.Resource.UnconditionalUpdate && string.IsNullOrEmpty((string?)value["metadata"]!["resourceVersion"]))
                throw ApiError.MissingResourceVersion(request.Target, request.Name);
            return new WriteResult(Save(writer, request, live, value, null), false);
        }

        if (!request.Resource.CreateOnUpdate) throw ApiError.NotFound(request.Target, request.Name);
        return new WriteResult(Save(writer, request, null, value, null), true);
    });

    /// <param name="change">Makes the new object from a copy of the live one.</param>
    public WriteResult Patch(WriteRequest request, Func<JsonObject, JsonObject> change) => store.Write(writer =>
    {
        var live = writer.Find(request.Resource, request.Namespace, request.Name) ?? throw ApiError.NotFound(request.Target, request.Name);
        var value = ObjectIntake.Accept(request, change(ApiJson.Read(live, request.Target.Version)));
        CheckPreconditions(request, live, value, patching: true);
        return new WriteResult(Save(writer, request, live, value, null), false);
    });

    public WriteResult Apply(WriteRequest request, JsonNode? body) => store.Write(writer =>
    {
        if (body?["metadata"]?["managedFields"] is JsonArray { Count: > 0 })
            throw ApiError.BadRequest("metadata.managedFields must be nil");
        ObjectIntake.CheckAppliedType(request.Target, body);
        var applied = ObjectIntake.Accept(request, body);
        SchemaPass.Prune(request.Target, applied);
        var live = writer.Find(request.Resource, request.Namespace, request.Name);
        if (live is not null) CheckPreconditions(request, live, applied, patching: true);
        else if ((string?)applied["metadata"]!["uid"] is { Length: > 0 } uid)
            throw ApiError.Conflict(request.Target, request.Name,
                $"uid mismatch: the provided object specified uid {uid}, and no existing object was found");
        var before = live is null ? null : ApiJson.Read(live, request.Target.Version);
        foreach (var field in (string[])["resourceVersion", "uid"]) applied["metadata"]!.AsObject().Remove(field);
        var (merged, owners) = FieldOwnership.Apply(before, applied, Owners(before), FieldWriter(request), request.Force);
        return new WriteResult(Save(writer, request, live, merged, owners), live is null);
    });

    private StoredObject Save(StoreWriter writer, WriteRequest request, StoredObject? live, JsonObject value, ManagedFields? owners)
    {
        if (live is null) RequireNamespace(writer, request);
        else CheckPreconditions(request, live, value);
        var former = live is null ? null : ApiJson.Read(live, request.Target.Version);
        var sent = ManagedFields.Read(value);
        value["metadata"]!.AsObject().Remove("managedFields");
        var candidate = new ObjectCandidate(request, former, value);
        candidate.Prepare(Now());
        if (live is null && writer.Find(request.Resource, request.Namespace, candidate.Name) is not null)
            throw ApiError.AlreadyExists(request.Target, candidate.Name);

        var current = sent.Entries.Count > 0 && owners is null ? sent : Owners(former);
        var next = owners ?? FieldOwnership.AfterUpdate(former, value, current, FieldWriter(request));
        next.Write(value);
        if (live is not null && IsSame(former!, value, next)) return live;
        var stored = ApiJson.ToStored(value, request.Resource, request.Target.Version);
        return request.DryRun ? new StoredObject(request.Resource, stored, live?.Revision ?? 0) : Commit(writer, request, stored);
    }

    private StoredObject Commit(StoreWriter writer, WriteRequest request, JsonObject value)
    {
        var stored = writer.Put(request.Resource, value);
        if (stored.IsTerminating && request.Resource != ResourceTable.Namespaces && value["metadata"]!["finalizers"] is null)
            garbage.Remove(writer, stored, Propagation.Background);
        return stored;
    }

    private static void CheckPreconditions(WriteRequest request, StoredObject live, JsonObject value, bool patching = false)
    {
        var metadata = value["metadata"]!;
        if ((string?)metadata["uid"] is { Length: > 0 } uid && uid != live.Uid)
            throw patching
                ? ApiError.Invalid(request.Target, live.Name, [FieldError.Immutable("metadata.uid", uid)])
                : ApiError.Precondition(request.Target, live.Name, "UID", uid, live.Uid);
        if ((string?)metadata["resourceVersion"] is { Length: > 0 } version
            && version != live.Revision.ToString(CultureInfo.InvariantCulture))
            throw ApiError.Modified(request.Target, live.Name);
    }

    private static void RequireNamespace(StoreWriter writer, WriteRequest request)
    {
        if (request.Namespace.Length == 0) return;
        var found = writer.Find(ResourceTable.Namespaces, "", request.Namespace)
            ?? throw ApiError.NotFound(new ServedResource(ResourceTable.Namespaces, ResourceTable.Namespaces.Stored), request.Namespace);
        if (!found.IsTerminating) return;
        var why = $"unable to create new content in namespace {request.Namespace} because it is being terminated";
        throw ApiError.Forbidden(request.Target, request.Name, why,
            new StatusCause("NamespaceTerminating", $"namespace {request.Namespace} is being terminated", "metadata.namespace"));
    }

    // Objects whose managedFields a client has wiped: what is there belongs to nobody in particular, but can't be taken without a conflict.
    private static ManagedFields Owners(JsonObject? live) => ManagedFields.Read(live);

    private static bool IsSame(JsonObject former, JsonObject value, ManagedFields owners)
    {
        var (left, right) = (former.DeepClone().AsObject(), value.DeepClone().AsObject());
        left["metadata"]!.AsObject().Remove("managedFields");
        right["metadata"]!.AsObject().Remove("managedFields");
        return JsonNode.DeepEquals(left, right) && owners.SameAs(ManagedFields.Read(former));
    }

    private FieldWriter FieldWriter(WriteRequest request) => new(request.FieldManager, request.Target.Version, Now());

    private string Now() => ApiTime.Format(time.GetUtcNow());
}

using System.Text.Json.Nodes;

namespace CapiRegistryHook.Harness.Embedded;

/// <summary>
/// An object about to be written, beside what it replaces: takes over what clients can't set, fills in defaults, validates.
/// </summary>
internal sealed class ObjectCandidate(WriteRequest request, JsonObject? former, JsonObject value)
{
    // What only the server sets.
    private static readonly string[] ServerFields =
        ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "resourceVersion", "generation"];

    private readonly JsonObject _metadata = value["metadata"]!.AsObject();

    public string Name => (string?)_metadata["name"] ?? "";

    public void Prepare(string now)
    {
        if (former is null) Stamp(now);
        else CarryOver(former);
        var causes = SchemaPass.Run(request.Target, value);
        ResourceRules.Prepare(request.Resource, value);
        causes.AddRange(MetadataRules.Check(request.Resource, _metadata, former?["metadata"]?.AsObject()));
        causes.AddRange(ResourceRules.Check(request.Target, value, former));
        if (causes.Count > 0) throw ApiError.Invalid(request.Target, Name, causes);
        if (former is not null && request.Resource.Custom && !HasSameContent(former))
            _metadata["generation"] = (long?)_metadata["generation"] + 1;
    }

    private void Stamp(string now)
    {
        foreach (var field in ServerFields) _metadata.Remove(field);
        _metadata["uid"] = Guid.NewGuid().ToString();
        _metadata["creationTimestamp"] = now;
        if (request.Resource.Custom) _metadata["generation"] = 1L;
        if (request.Resource.StatusSubresource) value.Remove("status");
    }

    private void CarryOver(JsonObject live)
    {
        if (request.IsStatus) TakeOnlyStatus(live);
        else if (request.Resource.StatusSubresource) Take(live, value, "status");
        foreach (var field in ServerFields) Take(live["metadata"]!.AsObject(), _metadata, field);
    }

    // A write to /status leaves everything else as it is.
    private void TakeOnlyStatus(JsonObject live)
    {
        foreach (var name in value.Select(field => field.Key).Union(live.Select(field => field.Key)).ToList())
            if (name is not ("status" or "metadata")) Take(live, value, name);
        var metadata = live["metadata"]!.AsObject();
        foreach (var name in _metadata.Select(field => field.Key).Union(metadata.Select(field => field.Key)).ToList())
            if (name != "managedFields") Take(metadata, _metadata, name);
    }

    private static void Take(JsonObject from, JsonObject to, string name)
    {
        if (from[name] is { } field) to[name] = field.DeepClone();
        else to.Remove(name);
    }

    // Generation counts changes of what the user asks for: not metadata, and not a status that is written through its own subresource.
    private bool HasSameContent(JsonObject live) => value.Select(field => field.Key).Union(live.Select(field => field.Key))
        .Where(name => name != "metadata" && !(name == "status" && request.Resource.StatusSubresource))
        .All(name => JsonNode.DeepEquals(value[name], live[name]));
}

using System.Globalization;
using System.Text.Json.Nodes;

namespace CapiRegistryHook.Harness.Embedded;

/// <summary>GET of one object and of collections, page by page from one snapshot.</summary>
internal sealed class ObjectReader(ObjectStore store)
{
    private const string Expired =
        "The provided continue parameter is too old to display a consistent list result. "
            + "You can start a new list without the continue parameter, "
            + "or use the continue token in this response to retrieve the remainder of the results. "
            + "Continuing with the provided token results in an inconsistent list - objects that were created, "
            + "modified, or deleted between the time the first chunk was returned and now may show up in the list.";

    public StoredObject Get(RequestTarget target) =>
        store.Current.Find(target.Resource!.Resource, target.Namespace, target.Name)
            ?? throw ApiError.NotFound(target.Resource, target.Name);

    public ApiResponse List(RequestTarget target, ObjectSelector selector, long limit, string? continueToken)
    {
        var resource = target.Resource!;
        var token = string.IsNullOrEmpty(continueToken) ? null : ContinueToken.Decode(continueToken);
        var snapshot = token is null or { Revision: < 0 } ? store.Current : store.At(token.Revision);
        if (snapshot is null) throw new ApiError(410, "Expired", Expired) { Continue = (token! with { Revision = -1 }).Encode() };

        var matching = snapshot.Of(resource.Resource).Values
            .Where(value => (token is null || string.CompareOrdinal(value.Key, token.After) > 0) && selector.Matches(value)).ToList();
        var page = limit > 0 && limit < matching.Count ? matching[..(int)limit] : matching;
        return ApiResponse.Json(200, Render(target, selector, snapshot, page, matching.Count - page.Count));
    }

    private static JsonObject Render(
        RequestTarget target, ObjectSelector selector, Snapshot snapshot, List<StoredObject> page, int remaining)
    {
        var version = target.Resource!.Version;
        var metadata = new JsonObject { ["resourceVersion"] = snapshot.Revision.ToString(CultureInfo.InvariantCulture) };
        if (remaining > 0) metadata["continue"] = new ContinueToken(snapshot.Revision, page[^1].Key).Encode();
        // With a selector the real server can't count what it has not read.
        if (remaining > 0 && selector.SelectsAll) metadata["remainingItemCount"] = remaining;
        return new JsonObject
        {
            ["kind"] = target.MetadataOnly ? "PartialObjectMetadataList" : version.Kind + "List",
            ["apiVersion"] = target.MetadataOnly ? "meta.k8s.io/v1" : version.GroupVersion,
            ["metadata"] = metadata,
            ["items"] = new JsonArray([.. page.Select(value => Item(target, value))]),
        };
    }

    // Items of a built-in list carry no type of their own.
    private static JsonObject Item(RequestTarget target, StoredObject value)
    {
        var item = ApiJson.Read(value, target.Resource!.Version);
        if (target.MetadataOnly) return ApiJson.Header(item);
        if (target.Resource.Resource.Custom) return item;
        item.Remove("apiVersion");
        item.Remove("kind");
        return item;
    }
}

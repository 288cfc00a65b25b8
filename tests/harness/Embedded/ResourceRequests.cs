using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace CapiRegistryHook.Harness.Embedded;

/// <summary>Turns a request for a resource into reads and writes of the store, and what came of it into an answer.</summary>
internal sealed class ResourceRequests(ObjectStore store, TimeProvider time)
{
    private const string JsonPatchType = "application/json-patch+json";
    private const string MergePatchType = "application/merge-patch+json";

    private readonly ObjectReader _reader = new(store);
    private readonly ObjectWriter _writer = new(store, new GarbageCollector(time), time);
    private readonly ObjectDeletion _deletion = new(store, new GarbageCollector(time));

    public async Task<ApiResponse> AnswerAsync(RequestTarget target, HttpRequest request, CancellationToken stopping)
    {
        if (!IsAllowed(target)) throw ApiError.MethodNotAllowed();
        switch (target.Verb)
        {
            case "get" when target.MetadataOnly:
                return ApiResponse.Json(200, ApiJson.Header(ApiJson.Read(_reader.Get(target), target.Resource!.Version)));
            case "get": return Answer(200, target, _reader.Get(target));
            case "list": return List(target, request.Query);
            case "watch": return Watch(target, request.Query, stopping);
        }

        var body = await RequestBody.ReadAsync(request, request.HttpContext.RequestAborted);
        return target.Verb switch
        {
            "create" => Answer(target, _writer.Create(Write(target, request), Parse(request, body))),
            "update" => Answer(target, _writer.Replace(Write(target, request), Parse(request, body))),
            "apply" => Answer(target, _writer.Apply(Applying(target, request), RequestBody.Parse(body, yaml: true))),
            "patch" => Answer(target, _writer.Patch(Write(target, request), Change(target, request, body))),
            "delete" => Delete(target, request, body),
            _ => DeleteAll(target, request),
        };
    }

    private static bool IsAllowed(RequestTarget target) => target.Verb switch
    {
        "get" => true,
        "list" or "watch" => true,
        "create" or "deletecollection" => target.IsCollection && target.Namespace.Length > 0 == target.Resource!.Resource.Namespaced
            && !(target.Verb == "deletecollection" && target.Resource.Resource == ResourceTable.Namespaces),
        "update" or "patch" or "apply" => !target.IsCollection,
        "delete" => !target.IsCollection && target.Subresource.Length == 0,
        _ => false,
    };

    private ApiResponse List(RequestTarget target, IQueryCollection query)
    {
        var limit = query["limit"].FirstOrDefault() is not { Length: > 0 } text ? 0
            : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number
            : throw ApiError.BadRequest($"limit: Invalid value: \"{text}\"");
        return _reader.List(target, Selector(target, query), limit, query["continue"].FirstOrDefault());
    }

    private ApiResponse Watch(RequestTarget target, IQueryCollection query, CancellationToken stopping)
    {
        var stream = new WatchStream(store, target, Selector(target, query), WatchOptions.Read(query), time);
        return new ApiResponse(200, []) { Stream = context => stream.RunAsync(context, stopping) };
    }

    private ApiResponse Delete(RequestTarget target, HttpRequest request, byte[] body)
    {
        var options = DeletionOptions.Read(Parse(request, body), request.Query);
        var (value, remains) = _deletion.Delete(Write(target, request), options);
        if (remains) return Answer(200, target, value);
        var details = new JsonObject { ["name"] = value.Name };
        if (target.Resource!.Version.Group.Length > 0) details["group"] = target.Resource.Version.Group;
        details["kind"] = target.Plural;
        details["uid"] = value.Uid;
        return ApiResponse.Json(200, new JsonObject
        {
            ["kind"] = "Status",
            ["apiVersion"] = "v1",
            ["metadata"] = new JsonObject(),
            ["status"] = "Success",
            ["details"] = details,
        });
    }

    private ApiResponse DeleteAll(RequestTarget target, HttpRequest request)
    {
        var version = target.Resource!.Version;
        var deleted = _deletion.DeleteAll(Write(target, request), Selector(target, request.Query));
        return ApiResponse.Json(200, new JsonObject
        {
            ["kind"] = version.Kind + "List",
            ["apiVersion"] = version.GroupVersion,
            ["metadata"] = new JsonObject { ["resourceVersion"] = store.Current.Revision.ToString(CultureInfo.InvariantCulture) },
            ["items"] = new JsonArray([.. deleted.Select(value => ApiJson.Read(value, version))]),
        });
    }

    private static Func<JsonObject, JsonObject> Change(RequestTarget target, HttpRequest request, byte[] body)
    {
        var type = RequestTarget.MediaType(request);
        if (type is not (JsonPatchType or MergePatchType)) throw ApiError.UnsupportedMediaType(AcceptedPatches(target.Resource!.Resource));
        var patch = RequestBody.Parse(body, yaml: false);
        return live => type == JsonPatchType ? JsonPatch.Apply(live, patch) : MergePatch.Apply(live, patch);
    }

    // Strategic merge is named for built-in types, as the real server does, but not done: nothing here sends it.
    private static string[] AcceptedPatches(ApiResource resource) => resource.Custom
        ? [JsonPatchType, MergePatchType, RequestTarget.ApplyPatch]
        : [JsonPatchType, MergePatchType, "application/strategic-merge-patch+json", RequestTarget.ApplyPatch];

    private static JsonNode? Parse(HttpRequest request, byte[] body) => RequestTarget.MediaType(request) switch
    {
        "" or "application/json" => RequestBody.Parse(body, yaml: false),
        "application/yaml" => RequestBody.Parse(body, yaml: true),
        _ => throw ApiError.UnsupportedMediaType(["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"]),
    };

    private static ObjectSelector Selector(RequestTarget target, IQueryCollection query) =>
        new(target.Resource!, target.Namespace, query["labelSelector"].FirstOrDefault(), query["fieldSelector"].FirstOrDefault());

    private static WriteRequest Write(RequestTarget target, HttpRequest request) =>
        new(target.Resource!, target.Namespace, target.Name, target.Subresource)
        {
            FieldManager = target.FieldManager ?? "unknown",
            DryRun = request.Query["dryRun"].FirstOrDefault() == "All",
            Force = RequestTarget.IsTrue(request.Query["force"]),
        };

    private static WriteRequest Applying(RequestTarget target, HttpRequest request) =>
        string.IsNullOrEmpty(request.Query["fieldManager"]) ? throw ApiError.MissingFieldManager() : Write(target, request);

    private static ApiResponse Answer(RequestTarget target, WriteResult result) =>
        Answer(result.Created ? 201 : 200, target, result.Object);

    private static ApiResponse Answer(int statusCode, RequestTarget target, StoredObject value) =>
        new(statusCode, ApiJson.Render(value, target.Resource!.Version));
}

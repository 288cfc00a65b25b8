using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Hooks.Contract;

/// <summary>Answers an admission request; it never refuses one.</summary>
internal delegate Task<AdmissionAnswer> AdmissionHandler(AdmissionReview review, CancellationToken cancellationToken);

/// <summary>The request of an AdmissionReview (admission.k8s.io/v1).</summary>
/// <param name="Uid">Goes back with the answer.</param>
/// <param name="NewCluster">The Cluster that is about to be created; null when the request is about anything else.</param>
internal sealed record AdmissionReview(string Uid, Cluster? NewCluster)
{
    /// <summary>Logs and metrics name it like a hook.</summary>
    public const string Hook = "AutoEnable";

    /// <summary>Where the API server sends it.</summary>
    public const string Path = "/admission/auto-enable";

    public const string ApiVersion = "admission.k8s.io/v1";

    public const string Kind = "AdmissionReview";

    /// <summary>A uid of the API server has 36 characters.</summary>
    private const int LongestUid = 128;

    /// <summary>Reads the body of a request.</summary>
    /// <exception cref="HookRequestException">The body is not such a request.</exception>
    public static AdmissionReview Read(ReadOnlyMemory<byte> body)
    {
        using var document = HookRequest.ParseObject(body);
        var root = document.RootElement;
        HookRequest.Require("apiVersion", Text(root, "apiVersion"), ApiVersion);
        HookRequest.Require("kind", Text(root, "kind"), Kind);
        var request = Object(root, "request");
        var uid = Text(request, "uid");
        if (uid is not { Length: > 0 and <= LongestUid })
            throw new HookRequestException("The request has no field request.uid with 1 to 128 characters.");
        return new AdmissionReview(uid, IsNewCluster(request) ? ReadCluster(request) : null);
    }

    /// <summary>The webhook is registered for nothing else, but the registration may be edited.</summary>
    private static bool IsNewCluster(JsonElement request)
    {
        var kind = Object(request, "kind");
        return Text(request, "operation") == "CREATE" && string.IsNullOrEmpty(Text(request, "subResource"))
            && Text(kind, "group") == "cluster.x-k8s.io" && Text(kind, "kind") == "Cluster";
    }

    private static Cluster ReadCluster(JsonElement request)
    {
        var found = Object(request, "object");
        if (Text(request, "namespace") is not { } space || !FieldText.IsNamespace(space))
            throw new HookRequestException("The request has no field request.namespace that is a namespace.");
        try
        {
            return Cluster.ReadUnnamed(found, space);
        }
        catch (ClusterFormatException exception)
        {
            throw new HookRequestException(exception.Message, exception);
        }
    }

    private static JsonElement Object(JsonElement parent, string field) =>
        parent.TryGetProperty(field, out var value) && value.ValueKind == JsonValueKind.Object
            ? value : throw new HookRequestException($"The request has no field {field} that is an object.");

    private static string? Text(JsonElement parent, string field) =>
        parent.TryGetProperty(field, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}

/// <summary>What is answered: the request is always allowed.</summary>
/// <param name="Uid">That of the request.</param>
/// <param name="Cluster">Namespace and name for the log; empty where the request is not about a new Cluster.</param>
/// <param name="Reason">Why, for the log.</param>
internal sealed record AdmissionAnswer(string Uid, string Cluster, string Reason)
{
    /// <summary>The operations of a JSON patch; null for none.</summary>
    public JsonArray? Patch { get; init; }

    /// <summary>What kubectl prints; null for nothing.</summary>
    public IReadOnlyList<string>? Warnings { get; init; }
}

/// <summary>An AdmissionReview with a response.</summary>
internal sealed record AdmissionReviewResponse(AdmissionResponse Response)
{
    public string ApiVersion { get; } = AdmissionReview.ApiVersion;

    public string Kind { get; } = AdmissionReview.Kind;

    public static AdmissionReviewResponse Of(AdmissionAnswer answer) => new(new AdmissionResponse(
        answer.Uid, Allowed: true, answer.Patch is null ? null : "JSONPatch",
        answer.Patch is { } patch ? Encoding.UTF8.GetBytes(patch.ToJsonString()) : null, answer.Warnings));
}

/// <summary>The response itself; bytes are base64 on the wire.</summary>
internal sealed record AdmissionResponse(string Uid, bool Allowed, string? PatchType, byte[]? Patch, IReadOnlyList<string>? Warnings);

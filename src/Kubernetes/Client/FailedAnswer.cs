using System.Text.Json;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Kubernetes.Client;

/// <summary>Makes the typed exception of an answer that says no, whether it is a Status of the API server or something a proxy made
/// up.</summary>
internal static class FailedAnswer
{
    /// <summary>The server's sentence is cut here: conditions and logs need the gist, and validation messages can quote whole
    /// fields.</summary>
    private const int LongestMessage = 256;

    public static KubernetesApiException From(string resource, int code, TimeSpan? retryAfter, ApiStatus? status)
    {
        var message = status?.Message is { Length: > 0 } said ? Bounded(said) : $"the server answered {code} without a Status";
        return new KubernetesApiException(Fault(code, status?.Reason), resource, message)
        {
            StatusCode = code,
            Reason = status?.Reason is { } reason ? Bounded(reason) : null,
            RetryAfter = retryAfter ?? (status?.Details?.RetryAfterSeconds is > 0 and var seconds ? TimeSpan.FromSeconds(seconds) : null),
            StatusName = status?.Details?.Name,
        };
    }

    /// <summary>The Status in a body, or null when it is something else.</summary>
    public static ApiStatus? ReadStatus(ReadOnlySpan<byte> body)
    {
        try
        {
            return JsonSerializer.Deserialize(body, KubernetesJson.Default.ApiStatus) is { Kind: "Status" } status ? status : null;
        }
        catch (Exception exception) when (AnswerReader.IsNotJson(exception))
        {
            return null;
        }
    }

    /// <summary>
    /// The Status of a failed write of a Secret. Only refusals that speak of names keep their sentence: kube-apiserver quotes parts of a
    /// body that it can't decode or that does not pass validation (seen in 1.20 with 400), and that part may be a key.
    /// </summary>
    public static ApiStatus? WithoutQuotes(ApiStatus? status, int code) =>
        status is null || code is 401 or 403 or 404 or 409 or 429
            ? status : status with { Message = "the server's words are left out, they may quote the Secret" };

    // 409 means two things, and only the reason tells which. Everything else is the code's own meaning, which survives proxies.
    private static KubernetesFault Fault(int code, string? reason) => code switch
    {
        404 => KubernetesFault.NotFound,
        409 => reason == "AlreadyExists" ? KubernetesFault.AlreadyExists : KubernetesFault.Conflict,
        410 => KubernetesFault.Gone,
        422 => KubernetesFault.Invalid,
        403 => KubernetesFault.Forbidden,
        401 => KubernetesFault.Unauthorized,
        429 => KubernetesFault.TooManyRequests,
        504 when reason == "Timeout" => KubernetesFault.Timeout,
        >= 500 => KubernetesFault.Unavailable,
        >= 300 and < 400 => KubernetesFault.BadResponse,
        _ => KubernetesFault.Other,
    };

    private static string Bounded(string text)
    {
        var plain = string.Concat(text.Take(LongestMessage).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? ' ' : c));
        return text.Length > LongestMessage ? plain + "…" : plain;
    }
}

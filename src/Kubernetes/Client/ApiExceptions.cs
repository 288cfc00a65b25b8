using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Kubernetes.Client;

/// <summary>
/// Makes the exception of a call that failed: because it got no answer, because the answer says no (a Status of the API server, or
/// something a proxy made up), or because the answer can't be read.
/// </summary>
internal static class ApiExceptions
{
    /// <summary>The server's message is cut here: conditions and logs need the gist, and validation messages can quote whole
    /// fields.</summary>
    private const int LongestMessage = 256;

    private static readonly string[] Verdicts =
    [
        .. Enum.GetNames<SslPolicyErrors>().Where(name => name != nameof(SslPolicyErrors.None)),
        .. Enum.GetNames<X509ChainStatusFlags>().Where(name => name != nameof(X509ChainStatusFlags.NoError)),
    ];

    /// <summary>An attempt that got no answer.</summary>
    public static KubernetesApiException OfConnection(string resource, Exception exception) => exception switch
    {
        HttpRequestException { InnerException: AddressRefusedException } refused => new KubernetesApiException(
            KubernetesFault.AddressRefused, resource, "its address is loopback, link-local or otherwise special, and not allowed", refused),
        HttpRequestException { InnerException: AuthenticationException tls } => FromTls(resource, tls),
        HttpRequestException { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded } => TooLarge(resource, exception),
        HttpRequestException http =>
            new KubernetesApiException(KubernetesFault.Unreachable, resource, Sentence(http.HttpRequestError), http)
        {
            NeverSent = http.HttpRequestError is HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError
                or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError,
        },
        CredentialException credential =>
            new KubernetesApiException(KubernetesFault.Unauthorized, resource, credential.Message, credential),
        // SocketsHttpHandler's ConnectTimeout is a cancellation nobody asked for, with a TimeoutException inside.
        OperationCanceledException { InnerException: TimeoutException } => new KubernetesApiException(
            KubernetesFault.Unreachable, resource, "the connection could not be made in time", exception) { NeverSent = true },
        _ => new KubernetesApiException(KubernetesFault.Unreachable, resource, "the connection broke", exception),
    };

    /// <summary>A limit of the client's own ran out.</summary>
    public static KubernetesApiException TimedOut(string resource, TimeSpan limit, Exception? cause) =>
        new(KubernetesFault.Timeout, resource, $"no answer within {limit.TotalSeconds:0.###} s", cause);

    public static KubernetesApiException TooLarge(string resource, Exception? cause = null) =>
        new(KubernetesFault.BadResponse, resource, "the answer is larger than the client reads", cause) { IsTooLarge = true };

    /// <summary>An answer that says no.</summary>
    public static KubernetesApiException OfAnswer(string resource, int code, TimeSpan? retryAfter, ApiStatus? status)
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

    private static KubernetesApiException FromTls(string resource, AuthenticationException tls) => IsVerdict(tls)
        ? new KubernetesApiException(
            KubernetesFault.UntrustedServer, resource, "the server's certificate is not for this name or not from the cluster's CA", tls)
        : new KubernetesApiException(KubernetesFault.Unreachable, resource, "the TLS handshake failed", tls) { NeverSent = true };

    // SslStream's verdict on a certificate has no inner exception, unlike a handshake that broke off, but nor has its complaint about bytes
    // that are not TLS. Its text is a resource; the names of the errors in it are arguments, and are there even when resources are trimmed.
    private static bool IsVerdict(AuthenticationException tls) =>
        tls.InnerException is null && Verdicts.Any(name => tls.Message.Contains(name, StringComparison.Ordinal));

    private static string Sentence(HttpRequestError error) => error switch
    {
        HttpRequestError.NameResolutionError => "the server's name is not known",
        HttpRequestError.ConnectionError => "no connection to the server",
        HttpRequestError.SecureConnectionError => "the TLS handshake failed",
        HttpRequestError.ProxyTunnelError => "the proxy made no connection to the server",
        HttpRequestError.ResponseEnded => "the server ended the connection within its answer",
        _ => "the connection broke",
    };

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

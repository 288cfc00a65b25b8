using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using CapiRegistryHook.Kubernetes.Connection;

namespace CapiRegistryHook.Kubernetes.Client;

/// <summary>Makes the typed exception of an attempt that got no answer.</summary>
internal static class ConnectionFault
{
    private static readonly string[] Verdicts =
    [
        .. Enum.GetNames<SslPolicyErrors>().Where(name => name != nameof(SslPolicyErrors.None)),
        .. Enum.GetNames<X509ChainStatusFlags>().Where(name => name != nameof(X509ChainStatusFlags.NoError)),
    ];

    public static KubernetesApiException From(string resource, Exception exception) => exception switch
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
        new(KubernetesFault.Timeout, resource, FormattableString.Invariant($"no answer within {limit.TotalSeconds:0.###} s"), cause);

    public static KubernetesApiException TooLarge(string resource, Exception? cause = null) =>
        new(KubernetesFault.BadResponse, resource, "the answer is larger than the client reads", cause) { IsTooLarge = true };

    private static KubernetesApiException FromTls(string resource, AuthenticationException tls) => IsVerdict(tls)
        ? new KubernetesApiException(
            KubernetesFault.UntrustedServer, resource, "the server's certificate is not for this name or not from the cluster's CA", tls)
        : new KubernetesApiException(KubernetesFault.Unreachable, resource, "the TLS handshake failed", tls) { NeverSent = true };

    // SslStream's verdict on a certificate has no inner exception, unlike a handshake that broke off, but nor has its complaint about bytes
    // that are no TLS. Its text is a resource; the names of the errors in it are arguments, and are there even when resources are trimmed.
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
}

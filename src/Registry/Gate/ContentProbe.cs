using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Text;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Contents;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Release;
using CapiRegistryHook.Registry.ServerCertificates;

namespace CapiRegistryHook.Registry.Gate;

/// <summary>
/// Asks a cluster's registry which contents it holds: one HEAD for each, at the replica that takes pushes, through the workload cluster's
/// API server, with TLS verified as a node verifies it.
/// </summary>
/// <param name="trust">What the cluster's nodes trust.</param>
/// <param name="generated">The login that the service made for the registry; null for the one that its replicas have.</param>
/// <param name="time">The clock.</param>
internal sealed class ContentProbe(TrustBundle trust, NetworkCredential? generated, TimeProvider time)
{
    private const string DigestHeader = "Docker-Content-Digest";
    private const string ManifestType = "application/vnd.oci.image.manifest.v1+json";

    /// <summary>A registry answers a HEAD with less than 1 KB.</summary>
    private const int LongestHeadKilobytes = 16;

    /// <summary>Asks for each of them.</summary>
    /// <exception cref="Kubernetes.Client.KubernetesApiException">The workload API server can't be asked.</exception>
    public async Task<ContentAnswer> FindMissingAsync(
        KubernetesClient workload, IReadOnlyList<RegistryContent> contents, CancellationToken cancellationToken)
    {
        if (await FindPrimaryAsync(workload, cancellationToken) is not { } pod)
            return ContentAnswer.None;
        var accounts = RegistryAccounts.SecretOf(pod.Spec);
        var login = generated is not null || accounts is not { } secret
            ? generated : await RegistryAccounts.FindLoginAsync(workload, secret, cancellationToken);
        var policy = trust.CreateServerPolicy(time);
        try
        {
            using var handler = new SocketsHttpHandler
            {
                AllowAutoRedirect = false,
                UseProxy = false,
                UseCookies = false,
                MaxResponseHeadersLength = LongestHeadKilobytes,
                ConnectCallback = (_, token) => new ValueTask<Stream>(workload.OpenPortAsync(pod.Name, RegistryNames.ContainerPort, token)),
                SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = policy },
            };
            using var http = new HttpClient(handler)
            {
                BaseAddress = new Uri($"https://{ServedCertificateProbe.ServerName}/"),
                Timeout = Timeout.InfiniteTimeSpan,
            };
            return await FindMissingAsync(http, login, contents, cancellationToken) with { Accounts = accounts };
        }
        finally
        {
            foreach (var root in policy.CustomTrustStore)
                root.Dispose();
        }
    }

    private static async Task<ContentAnswer> FindMissingAsync(
        HttpClient http, NetworkCredential? login, IReadOnlyList<RegistryContent> contents, CancellationToken cancellationToken)
    {
        var missing = new List<RegistryContent>();
        foreach (var content in contents)
        {
            using var request = new HttpRequestMessage(
                HttpMethod.Head, new Uri(ContentArtifact.ManifestPathOf(content.Key), UriKind.Relative));
            request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(ManifestType));
            if (login is not null)
                request.Headers.Authorization = new AuthenticationHeaderValue(
                    "Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{login.UserName}:{login.Password}")));
            using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            if (answer.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
                return ContentAnswer.LoginRefused;
            if (answer.StatusCode is not (HttpStatusCode.OK or HttpStatusCode.NotFound))
                return ContentAnswer.None;
            if (DigestOf(answer) != content.Status?.Lock?.Digest)
                missing.Add(content);
        }

        return new ContentAnswer(missing);
    }

    /// <summary>Empty where the registry has no such artifact, which is no digest.</summary>
    private static string DigestOf(HttpResponseMessage answer) =>
        answer.StatusCode == HttpStatusCode.OK && answer.Headers.TryGetValues(DigestHeader, out var values) ? string.Join(',', values) : "";

    /// <summary>
    /// The pod that the primary Service leads to; the first one where the Service leads to all, as with shared storage. None while it
    /// is not ready: a replica that fills itself from others gets the artifacts before the images.
    /// </summary>
    private static async Task<(NamespacedName Name, PodSpec? Spec)?> FindPrimaryAsync(
        KubernetesClient workload, CancellationToken cancellationToken)
    {
        var service = await workload.FindAsync(
            CoreResources.Services, new NamespacedName(RegistryNames.Namespace, RegistryNames.Primary), cancellationToken);
        if (service is null || (service.PodName is { } name ? RegistryNames.OrdinalOf(name) : 0) is not { } ordinal)
            return null;
        var pod = RegistryNames.Pod(ordinal);
        return await workload.FindAsync(CoreResources.Pods, pod, cancellationToken) is { IsReady: true } found ? (pod, found.Spec) : null;
    }
}

/// <summary>What a registry answered.</summary>
/// <param name="Missing">The contents that it does not hold; null when it can't be asked.</param>
/// <param name="RefusesLogin">Whether it can't be asked because it wants another login.</param>
internal sealed record ContentAnswer(IReadOnlyList<RegistryContent>? Missing, bool RefusesLogin = false)
{
    /// <summary>The Secret with the accounts of the registry; null when it has none.</summary>
    public NamespacedName? Accounts { get; init; }

    public static ContentAnswer None { get; } = new(Missing: null);

    public static ContentAnswer LoginRefused { get; } = new(Missing: null, RefusesLogin: true);
}

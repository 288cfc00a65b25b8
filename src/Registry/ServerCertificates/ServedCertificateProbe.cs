using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Text;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.ServerCertificates;

/// <summary>
/// Looks at what the registry's pods really serve: a TLS handshake with each of them through the workload API server, verified as a node
/// verifies it. CNCF Distribution reads its certificate once, at its start, so a new one in the Secret is not yet a new one on the wire.
/// </summary>
internal sealed class ServedCertificateProbe(TimeProvider time)
{
    /// <summary>In every certificate that is issued here.</summary>
    internal const string ServerName = $"{RegistryNames.Registry}.{RegistryNames.Namespace}.svc";

    /// <summary>Set by the registry chart; a collection of garbage has another component.</summary>
    internal const string PodLabels = $"app.kubernetes.io/instance={RegistryNames.Registry},app.kubernetes.io/component=registry";

    /// <summary>A handshake takes two round trips; more than this and a pull would be no fun either.</summary>
    internal static readonly TimeSpan HandshakeLimit = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Checks all pods at once. What the API server itself does not do is an exception, what a pod does not do is an answer.
    /// </summary>
    /// <param name="workload">Client of the workload cluster.</param>
    /// <param name="expected">What is to be found.</param>
    /// <param name="cancellationToken">Ends the check.</param>
    /// <exception cref="KubernetesApiException">The workload API server can't be asked.</exception>
    public async Task<ServedResult> CheckAsync(
        KubernetesClient workload, ExpectedPods expected, CancellationToken cancellationToken)
    {
        var replicas = expected.Replicas;
        var options = new ListOptions { Namespace = RegistryNames.Namespace, LabelSelector = PodLabels };
        // One more than there should be is enough to know; a workload cluster may send any number.
        var pods = await workload.ListFirstAsync(CoreResources.Pods, options, replicas + 1, cancellationToken);
        pods = [.. pods.OrderBy(pod => pod.Metadata.Name, StringComparer.Ordinal)];
        // Before they are counted: a StatefulSet makes the next pod only when this one is ready.
        if (pods.Where(pod => IsOf(pod, expected)).Select(PodFailure.Of).FirstOrDefault(failure => failure is not null) is { } failure)
            return new ServedResult.Failing(failure);
        if (pods.DistinctBy(pod => pod.Metadata.Name).Count() != replicas)
            return new ServedResult.Waiting($"The registry does not have its {replicas} pods yet.");
        var results = await Task.WhenAll(pods
            .Select(pod => CheckAsync(workload, pod, expected, cancellationToken)));
        return results.FirstOrDefault(result => result is ServedResult.Untrusted)
            ?? results.FirstOrDefault(result => result is ServedResult.Waiting)
            ?? new ServedResult.AllServed();
    }

    private static bool IsOf(Pod pod, ExpectedPods expected) =>
        pod.Metadata.Annotations?.GetValueOrDefault(RegistryNames.RevisionAnnotation) == expected.Revision;

    private async Task<ServedResult> CheckAsync(
        KubernetesClient workload, Pod pod, ExpectedPods expected, CancellationToken cancellationToken)
    {
        var name = FieldText.Sentence(pod.Metadata.Name ?? "");
        if (!IsOf(pod, expected))
            return new ServedResult.Waiting($"The registry's pod {name} still runs an earlier release than the one written last.");
        if (!pod.IsReady)
            return new ServedResult.Waiting($"The registry's pod {name} is not ready.");
        using var limit = new CancellationTokenSource(HandshakeLimit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            var served = await ReadServedAsync(workload, pod, expected.Trust, either.Token);
            return served.SerialNumber == expected.Serial ? new ServedResult.AllServed()
                : new ServedResult.Waiting($"The registry's pod {name} still serves another certificate than the one issued last.");
        }
        catch (AuthenticationException)
        {
            return new ServedResult.Untrusted(
                $"The registry's pod {name} serves a certificate that this cluster's nodes refuse: it has ended, is for other names, "
                    + "or comes from a root that is not in their trust bundle.");
        }
        catch (Exception exception) when (IsThePods(exception))
        {
            cancellationToken.ThrowIfCancellationRequested();
            return new ServedResult.Waiting($"The registry's pod {name} can't be reached through the cluster's API server.");
        }
    }

    /// <summary>The certificate that a pod serves, verified.</summary>
    /// <exception cref="AuthenticationException">Nodes refuse it.</exception>
    public async Task<CertificateFacts> ReadServedAsync(
        KubernetesClient workload, Pod pod, TrustBundle trust, CancellationToken cancellationToken)
    {
        var place = new NamespacedName(RegistryNames.Namespace, pod.Metadata.Name!);
        await using var connection = await workload.OpenPortAsync(place, RegistryNames.ContainerPort, cancellationToken);
        await using var tls = new SslStream(connection);
        var policy = trust.CreateServerPolicy(time);
        try
        {
            var options = new SslClientAuthenticationOptions { TargetHost = ServerName, CertificateChainPolicy = policy };
            await tls.AuthenticateAsClientAsync(options, cancellationToken);
        }
        finally
        {
            foreach (var root in policy.CustomTrustStore)
                root.Dispose();
        }

        var pem = PemEncoding.WriteString("CERTIFICATE", tls.RemoteCertificate!.GetRawCertData());
        return CertificateFacts.Read(Encoding.ASCII.GetBytes(pem));
    }

    /// <summary>
    /// A status code means that the API server answered and its node did not; without one the API server itself is gone.
    /// </summary>
    private static bool IsThePods(Exception exception) =>
        exception is IOException or OperationCanceledException or KubernetesApiException { StatusCode: not null }
            or KubernetesApiException { Fault: KubernetesFault.BadResponse };
}

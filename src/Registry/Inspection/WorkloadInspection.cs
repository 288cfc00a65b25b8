using System.Security.Authentication;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.ServerCertificates;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Inspection;

/// <summary>Looks at a registry on its workload cluster: what each pod serves at the moment, and its volumes. Reads alone.</summary>
internal sealed class WorkloadInspection(KubernetesClient workload, TimeProvider time)
{
    private const string ClaimLabels = $"app.kubernetes.io/instance={RegistryNames.Registry}";
    private const int MostClaims = 50;

    /// <summary>Looks.</summary>
    /// <param name="trust">What the nodes trust.</param>
    /// <param name="serial">The serial number of the certificate that was issued last; null when none is known.</param>
    /// <param name="revision">The revision that was written last; null when none is known.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    /// <exception cref="KubernetesApiException">The workload API server can't be asked.</exception>
    public async Task<WorkloadReport> ReadAsync(
        TrustBundle trust, string? serial, string? revision, CancellationToken cancellationToken)
    {
        var options = new ListOptions { Namespace = RegistryNames.Namespace, LabelSelector = ServedCertificateProbe.PodLabels };
        var pods = await workload.ListFirstAsync(CoreResources.Pods, options, ChartValues.MostReplicas, cancellationToken);
        var stored = await FindOrNullAsync(CoreResources.Secrets, RegistryPlan.CertificateSecret, cancellationToken);
        var chain = ReadChain(stored?.Value(SecretKeys.Certificate) ?? default, trust);
        var primary = await FindOrNullAsync(
            CoreResources.Services, new NamespacedName(RegistryNames.Namespace, RegistryNames.Primary), cancellationToken);
        var replicas = await Task.WhenAll(pods.Where(pod => KubernetesNames.IsLabel(pod.Metadata.Name))
            .OrderBy(pod => pod.Metadata.Name, StringComparer.Ordinal)
            .Select(pod => LookAsync(pod, trust, chain, serial, revision, cancellationToken)));
        return new WorkloadReport(
            replicas, await ReadClaimsAsync(cancellationToken), primary?.PodName);
    }

    private async Task<ReplicaReport> LookAsync(
        Pod pod, TrustBundle trust, IReadOnlyList<ChainLink> stored, string? serial, string? revision,
        CancellationToken cancellationToken)
    {
        var report = new ReplicaReport(
            pod.Metadata.Name!, pod.IsReady, FieldText.Sentence(pod.Status?.Phase ?? "Unknown"),
            pod.Metadata.Annotations?.GetValueOrDefault(RegistryNames.RevisionAnnotation) == revision, ReplicaAnswer.Unreachable, []);
        using var limit = new CancellationTokenSource(ServedCertificateProbe.HandshakeLimit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            var served = await new ServedCertificateProbe(time).ReadServedAsync(workload, pod, trust, either.Token);
            return report with
            {
                Answer = served.SerialNumber == serial ? ReplicaAnswer.Current : ReplicaAnswer.Other,
                // TLS shows the first certificate only; the others of a chain are those that are stored with it.
                Chain = stored is [var first, ..] && first.SerialNumber == served.SerialNumber ? stored : [LinkOf(served)],
            };
        }
        catch (AuthenticationException)
        {
            return report with { Answer = ReplicaAnswer.Untrusted };
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException or KubernetesApiException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return report;
        }
    }

    private async Task<IReadOnlyList<ClaimReport>?> ReadClaimsAsync(CancellationToken cancellationToken)
    {
        try
        {
            var options = new ListOptions { Namespace = RegistryNames.Namespace, LabelSelector = ClaimLabels };
            var claims = await workload.ListFirstAsync(CoreResources.VolumeClaims, options, MostClaims, cancellationToken);
            return [.. claims.OrderBy(claim => claim.Metadata.Name, StringComparer.Ordinal).Select(claim => new ClaimReport(
                FieldText.Sentence(claim.Metadata.Name ?? ""), FieldText.Sentence(claim.Status?.Phase ?? "Pending"),
                claim.Status?.Capacity?.GetValueOrDefault("storage"), claim.Spec?.StorageClassName))];
        }
        catch (KubernetesApiException exception) when (exception.StatusCode is not null)
        {
            return null;
        }
    }

    private async Task<T?> FindOrNullAsync<T>(ResourceType<T> type, NamespacedName name, CancellationToken cancellationToken)
        where T : class, IKubernetesObject
    {
        try
        {
            return await workload.FindAsync(type, name, cancellationToken);
        }
        catch (KubernetesApiException exception) when (exception.StatusCode is not null)
        {
            return null;
        }
    }

    private static IReadOnlyList<ChainLink> ReadChain(ReadOnlyMemory<byte> pem, TrustBundle trust)
    {
        try
        {
            var chain = CertificateFacts.ReadChain(pem.Span).Select(LinkOf);
            return trust.IssuerOf(pem.Span) is { } root
                ? [.. chain, new ChainLink(root.Subject, root.Subject, "", root.NotAfter, IsRoot: true)] : [.. chain];
        }
        catch (CertificateException)
        {
            return [];
        }
    }

    private static ChainLink LinkOf(CertificateFacts facts) =>
        new(FieldText.Sentence(facts.Subject), FieldText.Sentence(facts.Issuer), facts.SerialNumber, facts.NotAfter, IsRoot: false);
}

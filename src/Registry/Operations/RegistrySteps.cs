using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes;

namespace CapiRegistryHook.Registry;

/// <summary>
/// The steps in the order in which a crash after any of them is harmless: trust before the certificate that it must
/// verify, the certificate before the chart that mounts it. Each step finds out for itself what is left to do, and adds
/// what it did to the changes. A step returns the outcome that ends the attempt, or null.
/// </summary>
internal sealed class RegistrySteps(KubernetesClient management, SecretKubeconfigClients workloads, RegistryOptions options, TimeProvider time)
{
    private readonly RootAuthority _root = new(management, options, time);
    private readonly ClusterTrust _trust = new(management, time);
    private readonly ServerCertificate _certificate = new(time);
    private readonly ChartInstallation _chart = new(management, options);

    public async Task<RegistryOutcome?> PrepareAsync(RegistryPlan plan, List<Change> changes, CancellationToken cancellationToken)
    {
        var trusted = await EnsureTrustAsync(plan, nodesExist: false, changes, cancellationToken);
        using (trusted.Value)
            return trusted.Stop;
    }

    /// <param name="plan">The cluster's plan.</param>
    /// <param name="upgradeTo">During an upgrade, the version that the certificate is renewed for.</param>
    /// <param name="changes">Takes what was changed.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    public async Task<RegistryOutcome?> InstallAsync(RegistryPlan plan, string? upgradeTo, List<Change> changes, CancellationToken cancellationToken)
    {
        var trusted = await EnsureTrustAsync(plan, nodesExist: true, changes, cancellationToken);
        using var root = trusted.Value;
        if (root is null)
            return trusted.Stop;

        var wanted = new WantedCertificate(plan.Certificate, root.Authority, root.Bundle, upgradeTo);
        return await OptimisticWrite.RunAsync(() => InstallAsync(plan, wanted, changes, cancellationToken));
    }

    /// <summary>
    /// The HelmChartProxy is read before the certificate and written under that version, so that a call that was slow
    /// can't bring back the serial number of a certificate that has been replaced meanwhile.
    /// </summary>
    private async Task<RegistryOutcome?> InstallAsync(RegistryPlan plan, WantedCertificate wanted, List<Change> changes, CancellationToken cancellationToken)
    {
        var release = await _chart.FindAsync(plan, cancellationToken);
        var serial = await EnsureCertificateAsync(plan, wanted, cancellationToken);
        return Collect(serial, changes)
            ?? Collect(await _chart.EnsureLabelAsync(plan, cancellationToken), changes)
            ?? Collect(await _chart.EnsureChartProxyAsync(plan, release, serial.Value!, cancellationToken), changes);
    }

    private async Task<Ensured<TrustedRoot>> EnsureTrustAsync(RegistryPlan plan, bool nodesExist, List<Change> changes, CancellationToken cancellationToken)
    {
        var live = await _trust.FindAsync(plan, cancellationToken);
        var authority = await _root.EnsureAsync(mayCreate: live is null || !nodesExist, cancellationToken);
        if (Collect(authority, changes) is { } stop)
            return Ensured<TrustedRoot>.Stopped(stop);

        var bundle = await EnsureBundleAsync(plan, authority.Value!, live, nodesExist, cancellationToken);
        return Collect(bundle, changes) is { } refused
            ? Ensured<TrustedRoot>.Stopped(refused)
            : new Ensured<TrustedRoot>(new TrustedRoot(authority.Value!, bundle.Value!));
    }

    /// <summary>From here on the authority has an owner only when all goes well.</summary>
    private async Task<Ensured<TrustBundle>> EnsureBundleAsync(
        RegistryPlan plan, CertificateAuthority authority, Secret? live, bool nodesExist, CancellationToken cancellationToken)
    {
        var bundle = default(Ensured<TrustBundle>);
        try
        {
            return bundle = await _trust.EnsureAsync(plan, authority, live, nodesExist, cancellationToken);
        }
        finally
        {
            if (bundle.Value is null)
                authority.Dispose();
        }
    }

    private async Task<Ensured<string>> EnsureCertificateAsync(RegistryPlan plan, WantedCertificate wanted, CancellationToken cancellationToken)
    {
        ClientLease lease;
        try
        {
            lease = await workloads.RentAsync(plan.KubeconfigSecret, SecretKeys.Kubeconfig, cancellationToken);
        }
        catch (KubernetesApiException exception) when (exception.Fault == KubernetesFault.NotFound)
        {
            return Ensured<string>.Stopped(FaultSentences.NoKubeconfig(plan));
        }
        catch (KubeconfigException exception)
        {
            return Ensured<string>.Stopped(FaultSentences.OfKubeconfig(plan, exception));
        }

        using (lease)
        {
            try
            {
                return await _certificate.EnsureAsync(lease.Client, wanted, cancellationToken);
            }
            catch (KubernetesApiException exception)
            {
                return Ensured<string>.Stopped(FaultSentences.OfWorkload(exception));
            }
        }
    }

    private static RegistryOutcome? Collect<T>(Ensured<T> step, List<Change> changes)
    {
        if (step.Change is { } change)
            changes.Add(change);
        return step.Stop;
    }

    /// <summary>A root that the cluster's nodes trust, and the bundle they have.</summary>
    private sealed record TrustedRoot(CertificateAuthority Authority, TrustBundle Bundle) : IDisposable
    {
        public void Dispose() => Authority.Dispose();
    }
}

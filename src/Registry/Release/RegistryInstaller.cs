using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.ServerCertificates;
using CapiRegistryHook.Registry.Trust;

namespace CapiRegistryHook.Registry.Release;

/// <summary>
/// The steps in the order in which a crash after any of them is harmless: trust before the certificate that it must
/// verify, the certificate before the chart that mounts it. Each step finds out for itself what is left to do, and adds
/// what it did to the changes. A step returns the outcome that ends the attempt, or null.
/// </summary>
internal sealed class RegistryInstaller(
    KubernetesClient management, WorkloadAccess workload, RegistryOptions options, TimeProvider time, ServedCheck? served = null)
{
    private readonly RootAuthority _root = new(management, options, time);
    private readonly ClusterTrust _trust = new(management, time);
    private readonly RegistryCertificateIssuer _certificate = new(time);
    private readonly ChartInstallation _chart = new(management, options);
    private readonly ServedCheck _served = served ?? new ServedCertificateProbe(time).CheckAsync;

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
    public async Task<RegistryOutcome?> InstallAsync(
        RegistryPlan plan, string? upgradeTo, List<Change> changes, CancellationToken cancellationToken)
    {
        var trusted = await EnsureTrustAsync(plan, nodesExist: true, changes, cancellationToken);
        using var root = trusted.Value;
        if (root is null)
            return trusted.Stop;

        var wanted = Want(plan, root, upgradeTo);
        return await OptimisticWrite.RunAsync(() => InstallAsync(plan, wanted, changes, cancellationToken));
    }

    /// <summary>
    /// The same for a Cluster that nothing need have happened to: the workload cluster is left alone and nothing is written unless
    /// something is due.
    /// </summary>
    /// <param name="plan">The plan for the Cluster as it is now.</param>
    /// <param name="verify">True to look at the certificate on the workload cluster in any case.</param>
    /// <param name="pass">Takes what was changed and what is known of the certificate.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    public async Task<RegistryOutcome?> ReconcileAsync(
        RegistryPlan plan, bool verify, ReconcileContext pass, CancellationToken cancellationToken)
    {
        var trusted = await EnsureTrustAsync(plan, nodesExist: true, pass.Changes, cancellationToken);
        using var root = trusted.Value;
        if (root is null)
            return trusted.Stop;

        pass.Bundle = root.Bundle;
        var wanted = Want(plan, root, upgradeTo: null);
        var outcome = await OptimisticWrite.RunAsync(() => ReconcileAsync(plan, wanted, verify, pass, cancellationToken));
        await RetireAsync(plan, root, isDone: outcome is null, pass, cancellationToken);
        return outcome;
    }

    /// <summary>
    /// The last step of a rotation, which waits for nodes and so for weeks; nothing is called while the bundle has no former root. What
    /// an earlier pass saw
    /// served does not count in a pass that just found something else.
    /// </summary>
    private async Task RetireAsync(
        RegistryPlan plan, TrustedRoot root, bool isDone, ReconcileContext pass, CancellationToken cancellationToken)
    {
        if (root.IsSettled)
            return;
        var isServed = isDone && pass.Certificate is { IsServed: true } certificate && certificate.Issuer == root.Roots.SignerId;
        pass.Rotation = isServed ? RotationPhase.Drain : RotationPhase.Switch;
        pass.Take(await _trust.RetireAsync(plan, root.Roots, isServed, cancellationToken));
    }

    private async Task<RegistryOutcome?> ReconcileAsync(
        RegistryPlan plan, WantedCertificate wanted, bool verify, ReconcileContext pass, CancellationToken cancellationToken)
    {
        var release = await _chart.FindAsync(plan, cancellationToken);
        var known = pass.Begin(CertificateRecord.Read(release?.Metadata.Annotations));
        if (release?.Metadata.DeletionTimestamp is not null)
            return BeingDeleted(plan);

        var isDue = verify || CertificateDue.Why(known, wanted, plan.Owner.Uid, time.GetUtcNow()) is not null;
        if (isDue)
        {
            var certificate = await EnsureCertificateAsync(plan, wanted, cancellationToken);
            if (Collect(certificate, pass.Changes) is { } stop)
                return stop;
            pass.Certificate = certificate.Value;
        }

        return Collect(await _chart.EnsureLabelAsync(plan, cancellationToken), pass.Changes)
            ?? Collect(await _chart.RepairChartProxyAsync(plan, release, pass.Certificate!, cancellationToken), pass.Changes)
            ?? (isDue ? await ConfirmServedAsync(plan, wanted, pass, cancellationToken) : null);
    }

    /// <summary>
    /// A renewal is done when the pods serve the new certificate, and not before. What was seen is written down, so that nobody has to
    /// look again while the certificate stays.
    /// </summary>
    private async Task<RegistryOutcome?> ConfirmServedAsync(
        RegistryPlan plan, WantedCertificate wanted, ReconcileContext pass, CancellationToken cancellationToken)
    {
        if (pass.HasWritten("HelmChartProxy") && pass.Former?.Serial != pass.Certificate!.Serial)
            return new RegistryOutcome.Waiting("The registry was asked to serve its new certificate; its pods have yet to follow.");
        var certificate = pass.Certificate!;
        var result = await workload.RunAsync(plan.Cluster, async client =>
            new StepResult<ServedResult>(await _served(client, wanted.Trust, certificate.Serial, plan.Replicas, cancellationToken)),
                cancellationToken);
        switch (result.Value)
        {
            case ServedResult.AllServed:
                pass.Certificate = certificate with { Served = certificate.Serial };
                var release = await _chart.FindAsync(plan, cancellationToken);
                return Collect(await _chart.RepairChartProxyAsync(plan, release, pass.Certificate, cancellationToken), pass.Changes);
            case ServedResult.Untrusted untrusted:
                return new RegistryOutcome.Refused(untrusted.Sentence);
            case ServedResult.Waiting waiting:
                return new RegistryOutcome.Waiting(waiting.Sentence);
            default:
                return result.Stop;
        }
    }

    private static WantedCertificate Want(RegistryPlan plan, TrustedRoot root, string? upgradeTo) =>
        new(plan.Certificate, root.Authority, root.Bundle, upgradeTo)
        {
            RenewalRequest = plan.Cluster.Metadata.Annotations?.GetValueOrDefault(RegistryCertificateIssuer.RequestAnnotation),
            Hindrance = root.MayIssue ? null : FaultSentences.NotTrustedYet(plan),
        };

    private static RegistryOutcome.Waiting BeingDeleted(RegistryPlan plan) =>
        new($"The HelmChartProxy {plan.ChartProxy} is being deleted; it is made anew when it is gone.");

    /// <summary>
    /// The HelmChartProxy is read before the certificate and written under that version, so that a call that was slow
    /// can't bring back the serial number of a certificate that has been replaced meanwhile.
    /// </summary>
    private async Task<RegistryOutcome?> InstallAsync(
        RegistryPlan plan, WantedCertificate wanted, List<Change> changes, CancellationToken cancellationToken)
    {
        var release = await _chart.FindAsync(plan, cancellationToken);
        var certificate = await EnsureCertificateAsync(plan, wanted, cancellationToken);
        if (Collect(certificate, changes) is { } stop)
            return stop;
        if (release?.Metadata.DeletionTimestamp is not null)
            return BeingDeleted(plan);
        return Collect(await _chart.EnsureLabelAsync(plan, cancellationToken), changes)
            ?? Collect(await _chart.EnsureChartProxyAsync(plan, release, certificate.Value!, cancellationToken), changes);
    }

    private async Task<StepResult<TrustedRoot>> EnsureTrustAsync(
        RegistryPlan plan, bool nodesExist, List<Change> changes, CancellationToken cancellationToken)
    {
        var live = await _trust.FindAsync(plan, cancellationToken);
        var roots = await _root.EnsureAsync(mayCreate: live is null || !nodesExist, cancellationToken);
        if (Collect(roots, changes) is { } stop)
            return StepResult<TrustedRoot>.Stopped(stop);

        var signer = await EnsureBundleAsync(plan, roots.Value!, live, nodesExist, cancellationToken);
        return Collect(signer, changes) is { } refused
            ? StepResult<TrustedRoot>.Stopped(refused)
            : new StepResult<TrustedRoot>(new TrustedRoot(roots.Value!, signer.Value!));
    }

    /// <summary>From here on the roots have an owner only when all goes well.</summary>
    private async Task<StepResult<ClusterSigner>> EnsureBundleAsync(
        RegistryPlan plan, SigningRoots roots, Secret? live, bool nodesExist, CancellationToken cancellationToken)
    {
        var signer = default(StepResult<ClusterSigner>);
        try
        {
            return signer = await _trust.EnsureAsync(plan, roots, live, nodesExist, cancellationToken);
        }
        finally
        {
            if (signer.Value is null)
                roots.Dispose();
        }
    }

    private Task<StepResult<CertificateRecord>> EnsureCertificateAsync(
        RegistryPlan plan, WantedCertificate wanted, CancellationToken cancellationToken) =>
        workload.RunAsync(plan.Cluster, client => _certificate.EnsureAsync(client, wanted, cancellationToken), cancellationToken);

    private static RegistryOutcome? Collect<T>(StepResult<T> step, List<Change> changes)
    {
        if (step.Change is { } change)
            changes.Add(change);
        return step.Stop;
    }

    /// <summary>The roots, and what they are for this cluster: who signs, and the bundle of its nodes.</summary>
    private sealed record TrustedRoot(SigningRoots Roots, ClusterSigner Signer) : IDisposable
    {
        public CertificateAuthority Authority => Signer.Authority ?? Roots.Authority;

        public TrustBundle Bundle => Signer.Bundle;

        /// <summary>Whether no former or compromised root is left to retire.</summary>
        public bool IsSettled => Signer.IsSettled;

        /// <summary>False while the nodes accept nobody who could sign: what there is stays.</summary>
        public bool MayIssue => Signer.Authority is not null;

        public void Dispose() => Roots.Dispose();
    }
}

using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.ServerCertificates;
using CapiRegistryHook.Registry.Trust;

namespace CapiRegistryHook.Registry.Release;

/// <summary>
/// The steps in the order in which a crash after any of them is harmless: trust before the certificate that it must
/// verify, the certificate before the chart that mounts it. Each step finds out for itself what is left to do, and adds
/// what it did to the context.
/// </summary>
internal sealed class RegistryInstaller(
    KubernetesClient management, WorkloadAccess workload, ChartInstallation chart, RegistryOptions options, TimeProvider time,
    ServedCheck served)
{
    private readonly TrustInstallation _trust = new(management, options, time);
    private readonly RegistryCertificateIssuer _certificate = new(time);
    private readonly ReleaseReports _report = new(management);
    private readonly StorageGrowth _growth = new(chart, workload, time);
    private readonly LoginSecret _login = new(management, time);
    private readonly NodeAddresses _nodes = new(management, options);
    private readonly ServedConfirmation _confirmation = new(chart, workload, served);

    public async Task<RegistryOutcome> PrepareAsync(RegistryPlan plan, ReconcileContext context, CancellationToken cancellationToken)
    {
        var trusted = await _trust.EnsureAsync(plan, nodesExist: false, context, cancellationToken);
        using (trusted.Value)
            return trusted.Stop ?? (await _login.EnsureAsync(plan, context.Changes, cancellationToken)).Stop ?? RegistryOutcome.Done;
    }

    /// <param name="plan">The cluster's plan.</param>
    /// <param name="upgradeTo">During an upgrade, the version that the certificate is renewed for.</param>
    /// <param name="context">Takes what was changed and what is known of the certificate.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    public async Task<RegistryOutcome> InstallAsync(
        RegistryPlan plan, string? upgradeTo, ReconcileContext context, CancellationToken cancellationToken)
    {
        var trusted = await _trust.EnsureAsync(plan, nodesExist: true, context, cancellationToken);
        using var signer = trusted.Value;
        if (signer is null)
            return trusted.Stop!;
        plan = await _nodes.AddAsync(plan, cancellationToken);
        var withLogin = await _login.EnsureAsync(plan, context.Changes, cancellationToken);
        return withLogin.Value is null
            ? withLogin.Stop!
            : await OptimisticWrite.RunAsync(() => InstallAsync(withLogin.Value, signer, upgradeTo, context, cancellationToken));
    }

    /// <summary>
    /// The same for a Cluster that nothing need have happened to: the workload cluster is not called and nothing is written unless
    /// something is due.
    /// </summary>
    /// <param name="plan">The plan for the Cluster as it is now.</param>
    /// <param name="verify">True to check the certificate on the workload cluster in any case.</param>
    /// <param name="context">Takes what was changed and what is known of the certificate.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    public async Task<RegistryOutcome> ReconcileAsync(
        RegistryPlan plan, bool verify, ReconcileContext context, CancellationToken cancellationToken)
    {
        var trusted = await _trust.EnsureAsync(plan, nodesExist: true, context, cancellationToken);
        using var signer = trusted.Value;
        if (signer is null)
            return trusted.Stop!;

        plan = await _nodes.AddAsync(plan, cancellationToken);
        var withLogin = await _login.EnsureAsync(plan, context.Changes, cancellationToken);
        context.LoginStop = withLogin.Stop;
        plan = await _login.RetireAsync(withLogin.Value ?? plan, context.Changes, cancellationToken);
        var outcome = await OptimisticWrite.RunAsync(() => ReconcileAsync(plan, signer, verify, context, cancellationToken));
        var isDone = outcome.Kind == OutcomeKind.Done;
        await _trust.RetireAsync(plan, signer, isDone, context, cancellationToken);
        return isDone && context.LoginStop is { } stop ? stop : outcome;
    }

    private async Task<RegistryOutcome> ReconcileAsync(
        RegistryPlan requested, ClusterSigner signer, bool verify, ReconcileContext context, CancellationToken cancellationToken)
    {
        var release = await chart.FindAsync(requested, cancellationToken);
        context.Growth = null;
        var known = context.Begin(release.Certificate);
        context.Volumes = release.Volumes;
        context.Progress = release.Progress;
        if (ChartInstallation.RefusalOf(requested, release) is { } refusal)
            return refusal;
        if (release.IsBeingDeleted)
            return BeingDeleted(requested);

        var plan = Choose(requested, release, context).Keep(release.Values);
        var wanted = Want(plan, signer, upgradeTo: null);
        var hasUploadKey = ChartInstallation.HasUploadKey(release);
        // Before a registry is changed its cluster is called: one that can't be reached keeps what it has.
        var isDue = verify || !ChartInstallation.HasLogin(release, plan) || !hasUploadKey
            || release.Progress is not { IsServed: true } progress || progress.Revision != plan.Release.Id
            || known is null || known.NeedsWork(wanted, plan.Owner.Uid, time.GetUtcNow());
        if (isDue && await EnsureCertificateAsync(plan, wanted, hasUploadKey && !verify, context, cancellationToken) is { } stop)
            return stop;
        if (context.LoginStop is { } lost && !ChartInstallation.HasSomeLogin(release))
            return lost;
        await chart.EnsureLabelAsync(plan, context.Changes, cancellationToken);
        await chart.RepairChartProxyAsync(plan, release, context, cancellationToken);
        var outcome = isDue
            ? await _confirmation.RunAsync(plan, wanted, release.Progress?.Revision, context, cancellationToken) : RegistryOutcome.Done;
        // A full volume may be what the pods are not ready for.
        if (outcome.Kind is OutcomeKind.Done or OutcomeKind.Waiting)
            outcome = Join(outcome, await _growth.AdvanceAsync(plan, release, context, cancellationToken));
        return await _report.JudgeAsync(release.Live, outcome, cancellationToken);
    }

    private static RegistryOutcome Join(RegistryOutcome first, RegistryOutcome second) => first.Kind == OutcomeKind.Done ? second : first;

    /// <summary>
    /// The plan with the admin's decisions of today, or with those that the registry has until it is its turn. A Cluster that its user
    /// changed to what only today's decisions allow gets them.
    /// </summary>
    private RegistryPlan Choose(RegistryPlan requested, InstalledRelease release, ReconcileContext context)
    {
        if (context.Rollout is not { } rollout || release is not { Revision: { } installed, Progress: { } progress }
            || installed.Id == requested.Release.Id || rollout.Allows(requested.Cluster.Key, progress))
            return requested;
        return installed.ApplyTo(options) is { } then && RegistryPlan.Create(requested.Cluster, then) is PlanResult.Wanted stays
            ? stays.Plan with { Login = requested.Login, Nodes = requested.Nodes } : requested;
    }

    private static WantedCertificate Want(RegistryPlan plan, ClusterSigner signer, string? upgradeTo) =>
        new(plan.CertificateWithNodes, signer.Authority, signer.Bundle, upgradeTo)
        {
            RenewalRequest = plan.Cluster.Metadata.Annotations?.GetValueOrDefault(RegistryCertificateIssuer.RequestAnnotation),
            Refusal = signer.MayIssue ? null : FaultSentences.NotTrustedYet(plan),
        };

    private static RegistryOutcome BeingDeleted(RegistryPlan plan) => RegistryOutcome.Waiting(
        $"The HelmChartProxy {plan.ChartProxy} is being deleted; it is created again when it is gone.");

    /// <summary>
    /// The HelmChartProxy is read before the certificate and written under that version, so that a call that was slow
    /// can't bring back the serial number of a certificate that has been replaced meanwhile.
    /// </summary>
    private async Task<RegistryOutcome> InstallAsync(
        RegistryPlan requested, ClusterSigner signer, string? upgradeTo, ReconcileContext context, CancellationToken cancellationToken)
    {
        var release = await chart.FindAsync(requested, cancellationToken);
        context.Begin(release.Certificate);
        context.Progress = release.Progress;
        if (ChartInstallation.RefusalOf(requested, release) is { } refusal)
            return refusal;
        var plan = requested.Keep(release.Values);
        var wanted = Want(plan, signer, upgradeTo) with { IsFirst = release.Live is null };
        if (await EnsureCertificateAsync(plan, wanted, ChartInstallation.HasUploadKey(release), context, cancellationToken) is { } stop)
            return stop;
        if (context.LoginStop is { } noLogin)
            return noLogin;
        if (release.IsBeingDeleted)
            return BeingDeleted(plan);
        await chart.EnsureLabelAsync(plan, context.Changes, cancellationToken);
        await chart.EnsureChartProxyAsync(plan, release, context, cancellationToken);
        return RegistryOutcome.Done;
    }

    /// <summary>Returns the outcome that ends the attempt; null when the context has the certificate.</summary>
    private async Task<RegistryOutcome?> EnsureCertificateAsync(
        RegistryPlan plan, WantedCertificate wanted, bool hasUploadKey, ReconcileContext context, CancellationToken cancellationToken)
    {
        var certificate = await workload.RunAsync(
            plan.Cluster, async client =>
            {
                var issued = await _certificate.EnsureAsync(client, wanted, context.Changes, cancellationToken);
                if (issued.Stop is null)
                    context.LoginStop ??= await WorkloadSecrets.EnsureAsync(
                        client, plan.Login, hasUploadKey, context.Changes, cancellationToken);
                return issued;
            }, cancellationToken);
        if (certificate.Value is { } issued)
            context.Certificate = issued;
        return certificate.Stop;
    }
}

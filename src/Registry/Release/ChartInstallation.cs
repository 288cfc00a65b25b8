using System.Text.Json.Nodes;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Registry.Chart;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.ServerCertificates;
using CapiRegistryHook.Registry.Settings;
using CapiRegistryHook.Registry.Volumes;

namespace CapiRegistryHook.Registry.Release;

/// <summary>The HelmChartProxy, and the label by which it finds its Cluster.</summary>
internal sealed class ChartInstallation(KubernetesClient management, RegistryOptions options, TimeProvider time)
{
    /// <summary>Which logins the workload cluster was given; no part of them.</summary>
    private const string LoginAnnotation = "capi-registry-hook.io/login";

    private const string OtherVolumes =
        "The registry keeps its storage: the volumes of a StatefulSet can't be changed to what is now requested; "
            + "see docs/registry-values.md.";

    private const string SmallerVolumes =
        "The registry keeps its volumes: they can't be made smaller. Set storage.size back to the size that they have.";

    /// <summary>The add-on provider can't change where a release comes from, so it uninstalls and installs it.</summary>
    public const string ReinstallReason =
        "The repository or the name of the chart changed, so the add-on provider reinstalls the registry: pulls through it fail until its "
            + "pods are back; volumes and certificate stay.";

    /// <summary>What is installed.</summary>
    public async Task<InstalledRelease> FindAsync(RegistryPlan plan, CancellationToken cancellationToken)
    {
        var live = await management.FindAsync(RegistryResources.HelmChartProxies, plan.ChartProxy, cancellationToken);
        return new InstalledRelease(live, InstalledVolumes.Read(live?.Spec?.ValuesTemplate));
    }

    /// <summary>Whether the workload cluster has the plan's login, as far as was written down.</summary>
    public static bool HasLogin(InstalledRelease release, RegistryPlan plan) =>
        plan.Login is null || release.Live?.Metadata.Annotations?.GetValueOrDefault(LoginAnnotation) == plan.Login.Digest;

    /// <summary>Whether the release was written with a login, be it a former one.</summary>
    public static bool HasSomeLogin(InstalledRelease release) => release.Live?.Metadata.Annotations?.ContainsKey(LoginAnnotation) == true;

    /// <summary>
    /// Whether the key that signs uploads was created before the release was written. Values that can't be read say nothing, and are no
    /// reason to call the workload cluster in each reconcile.
    /// </summary>
    public static bool HasUploadKey(InstalledRelease release) => release.Live is not null
        && (release.Values is not { } values
        || HelmValues.Find(values, ChartValues.UploadSecretField)?.ToString() == RegistryNames.UploadSecret);

    public async Task EnsureLabelAsync(RegistryPlan plan, ICollection<Change> changes, CancellationToken cancellationToken)
    {
        var cluster = plan.Cluster;
        if (cluster.Metadata.Labels?.GetValueOrDefault(RegistryPlan.ClusterNameLabel) == cluster.Name.Name)
            return;

        var labels = new JsonObject { [RegistryPlan.ClusterNameLabel] = cluster.Name.Name };
        await management.MergePatchAsync(
            RegistryResources.Clusters(cluster), cluster.Name, new JsonObject { ["metadata"] = new JsonObject { ["labels"] = labels } },
            ObjectLabels.FieldManager, cancellationToken);
        changes.Add(new Change(
            ChangeVerb.Updated, "Cluster", cluster.DisplayName, false,
            $"The label {RegistryPlan.ClusterNameLabel} was missing, by which the add-on provider selects the Cluster."));
    }

    /// <summary>
    /// Applies the HelmChartProxy. Apply decides on the API server whether anything changes, so that fields of an
    /// earlier version of this service go away too; the resourceVersion before and after tells.
    /// </summary>
    /// <param name="plan">The cluster's plan.</param>
    /// <param name="before">What <see cref="FindAsync"/> returned; a write since then ends in a Conflict.</param>
    /// <param name="context">Has the certificate that the pods are to serve, and takes what was changed.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    public async Task EnsureChartProxyAsync(
        RegistryPlan plan, InstalledRelease before, ReconcileContext context, CancellationToken cancellationToken)
    {
        var (wanted, kept) = Want(plan, before, context);
        await ApplyAsync(plan, before.Live, wanted, context.Changes, cancellationToken);
        AddKept(plan, kept, context.Changes);
    }

    /// <summary>As <see cref="EnsureChartProxyAsync"/>, but nothing is called when all that this version writes is there.</summary>
    public async Task RepairChartProxyAsync(
        RegistryPlan plan, InstalledRelease before, ReconcileContext context, CancellationToken cancellationToken)
    {
        var (wanted, kept) = Want(plan, before, context);
        if (before.Live is not { } live || !ChartProxyComparison.IsAsWanted(live, wanted))
            await ApplyAsync(plan, before.Live, wanted, context.Changes, cancellationToken);
        AddKept(plan, kept, context.Changes);
    }

    /// <summary>
    /// Null when the HelmChartProxy is ours to write. One of somebody else may have the name, and so may another Cluster's whose name is
    /// the shortened form of this one's; to apply ours would change their release, and to disable the registry would delete it.
    /// </summary>
    public static RegistryOutcome? RefusalOf(RegistryPlan plan, InstalledRelease release)
    {
        if (release.Live is not { Metadata: var metadata })
            return null;
        var isOurs = ObjectLabels.IsManaged(metadata) || metadata.Annotations?.ContainsKey(RegistryRemoval.AskedByAnnotation) == true;
        var owner = metadata.OwnerReferences?.FirstOrDefault(ClusterOwner.IsCluster);
        return isOurs && (owner is null || owner.Name == plan.Cluster.Name.Name) ? null : RegistryOutcome.Refused(
            $"The HelmChartProxy {plan.ChartProxy} is not ours: it was not created by this service for this Cluster; "
                + "rename it, or give the Cluster another name.");
    }

    private (HelmChartProxy Wanted, KeptValues Kept) Want(RegistryPlan plan, InstalledRelease before, ReconcileContext context)
    {
        var certificate = context.Certificate!;
        var values = ChartValues.Build(plan, certificate.Serial);
        var kept = IsOurChart(plan.Release, values, before)
            ? InstalledVolumes.Keep(values, before.Values, context.Growth is { IsInRelease: true } grown ? grown.Size : null)
            : new KeptValues(values, IsOther: false);
        context.LargerSize = kept.LargerSize;
        var wanted = ChartProxyFactory.Create(plan, kept.Values);
        var annotations = StillServed(certificate, before.Live).ToAnnotations();
        context.Progress = ReleaseProgress.After(context.Progress, plan.Release.Id, time.GetUtcNow());
        context.Progress.AddTo(annotations);
        annotations[ReleaseProgress.AdminValuesKey] = plan.Release.AdminValues;
        annotations[RegistryRemoval.AskedByAnnotation] = options.Variable.Field;
        if ((context.Growth is { } growth ? growth.Announced : before.GrowsTo) is { } size)
            annotations[GrowthMark.Annotation] = size;
        if (LoginOf(plan, before, context) is { } login)
            annotations[LoginAnnotation] = login;
        return (wanted with
        {
            Metadata = wanted.Metadata with
            {
                ResourceVersion = before.Live?.Metadata.ResourceVersion,
                Annotations = annotations,
                OwnerReferences = [ClusterOwner.Settle(plan.Owner, before.Live?.Metadata)],
            },
        }, kept);
    }

    /// <summary>The login that the cluster was given: as long as today's can't be delivered, the former one.</summary>
    private static string? LoginOf(RegistryPlan plan, InstalledRelease before, ReconcileContext context) => context.LoginStop is null
        ? plan.Login?.Digest : before.Live?.Metadata.Annotations?.GetValueOrDefault(LoginAnnotation);

    /// <summary>An earlier version of our chart, too, has its volumes written into the values.</summary>
    private static bool IsOurChart(ReleaseRevision release, JsonObject values, InstalledRelease before) =>
        ShippedChart.Is(release.ChartName, release.ChartVersion)
        || (before.Revision?.Id == release.Id && InstalledVolumes.AreWritten(values, before.Values));

    /// <summary>What was seen served stays known until something else is seen.</summary>
    private static CertificateRecord StillServed(CertificateRecord certificate, HelmChartProxy? before) =>
        certificate.Served is null && CertificateRecord.Read(before?.Metadata.Annotations) is { Served: not null } known
            ? certificate with { Served = known.Served }
            : certificate;

    private async Task ApplyAsync(
        RegistryPlan plan, HelmChartProxy? before, HelmChartProxy wanted, List<Change> changes, CancellationToken cancellationToken)
    {
        var after = await management.ServerSideApplyAsync(
            RegistryResources.HelmChartProxies, wanted, new ApplyOptions(ObjectLabels.FieldManager, Force: true), cancellationToken);
        if (before is null)
            changes.Add(Changed(plan, ChangeVerb.Created, "The registry was not installed yet."));
        else if (before.Metadata.ResourceVersion != after.Metadata.ResourceVersion)
            changes.Add(Changed(
                plan, ChangeVerb.Updated, IsReinstall(before, wanted) ? ReinstallReason : "Chart, values or certificate changed."));
    }

    private static bool IsReinstall(HelmChartProxy before, HelmChartProxy wanted) =>
        before.Spec is { } spec && (spec.RepoURL != wanted.Spec!.RepoURL || spec.ChartName != wanted.Spec.ChartName);

    private static void AddKept(RegistryPlan plan, KeptValues kept, List<Change> changes)
    {
        if (kept.IsOther)
            changes.Add(Changed(plan, ChangeVerb.Kept, kept.IsSmaller ? SmallerVolumes : OtherVolumes));
        if (plan.KeptAddresses is { } addresses)
            changes.Add(new Change(
                ChangeVerb.Kept, "Service", $"{RegistryNames.Namespace}/{RegistryNames.Registry}", true,
                $"The registry keeps its addresses {string.Join(", ", addresses.All)}: those of a Service can't be changed to the "
                    + $"requested {string.Join(", ", plan.Basis.Addresses.All)}, and new nodes are told of the requested ones; set the "
                    + "addresses back, or disable the registry and enable it again."));
    }

    private static Change Changed(RegistryPlan plan, ChangeVerb verb, string reason) =>
        new(verb, "HelmChartProxy", plan.ChartProxy.ToString(), false, reason);
}

/// <summary>What is installed on a cluster.</summary>
/// <param name="Live">The HelmChartProxy; null when absent.</param>
/// <param name="Values">The values in it; null when there are none that this product wrote.</param>
internal sealed record InstalledRelease(HelmChartProxy? Live, JsonObject? Values)
{
    public CertificateRecord? Certificate => CertificateRecord.Read(Live?.Metadata.Annotations);

    /// <summary>
    /// The admin's decisions that it was written with; null when it does not say, or was edited since so that chart and annotations no
    /// longer fit together.
    /// </summary>
    public ReleaseRevision? Revision { get; } = Live is { Spec: { } spec, Metadata.Annotations: { } annotations }
        && annotations.GetValueOrDefault(ReleaseProgress.AdminValuesKey) is { } adminValues
        && ReleaseRevision.Of(spec, adminValues) is var revision && ReleaseProgress.Read(annotations)?.Revision == revision.Id
            ? revision : null;

    /// <summary>How far the registry is with them.</summary>
    public ReleaseProgress? Progress => Revision is null ? null : ReleaseProgress.Read(Live?.Metadata.Annotations);

    /// <summary>The size that its volumes are on the way to; null when they are on none.</summary>
    public string? GrowsTo => Live?.Metadata.Annotations?.GetValueOrDefault(GrowthMark.Annotation) is { } size
        && Quantity.TryParse(size, out _) ? size : null;

    /// <summary>How full its volumes were when they were last read.</summary>
    public VolumeRecord? Volumes => VolumeRecord.Read(Live?.Metadata.Annotations);

    public bool IsBeingDeleted => Live?.Metadata.DeletionTimestamp is not null;
}

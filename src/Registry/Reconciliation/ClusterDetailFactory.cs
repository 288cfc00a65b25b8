using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Chart;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Release;
using CapiRegistryHook.Registry.ServerCertificates;
using CapiRegistryHook.Registry.Text;
using CapiRegistryHook.Registry.Trust;

namespace CapiRegistryHook.Registry.Reconciliation;

/// <summary>Reports all that the management cluster says of one registry. Pure.</summary>
internal static class ClusterDetailFactory
{
    /// <param name="facts">What there is to judge the registry by.</param>
    /// <param name="trust">What new nodes trust; null when there is no bundle.</param>
    /// <param name="events">Events about the Cluster, newest first.</param>
    /// <param name="options">The admin's decisions.</param>
    /// <param name="now">The current time.</param>
    public static ClusterStatusDetail Create(
        ClusterFacts facts, TrustBundle? trust, IEnumerable<Event> events, RegistryOptions options, DateTimeOffset now)
    {
        var summary = ClusterStatusFactory.Create(facts, options, now);
        var plan = (RegistryPlan.Create(facts.Cluster, options) as PlanResult.Wanted)?.Plan
            .Keep(InstalledVolumes.Read(facts.Release?.Spec?.ValuesTemplate));
        return new ClusterStatusDetail(summary)
        {
            PullAddresses = [.. (plan?.Addresses.Pull ?? []).Select(address => address.ToString())],
            PrimaryAddresses = [.. (plan?.Addresses.Primary ?? []).Select(address => address.ToString())],
            Names = plan is null ? [] : NamesOf(plan.Certificate.Names),
            Certificate = CertificateOf(facts),
            TrustedRoots = [.. (trust ?? TrustBundle.Empty).OrderBy(root => root.NotBefore).Select(root => new TrustedRootReport(
                root.Thumbprint, GenerationOf(facts, RootId.Of(root.Thumbprint)), root.NotAfter))],
            Release = ReleaseOf(facts.Release, facts.HelmReleases.FirstOrDefault()),
            Events = [.. events.Where(item => item.EventTime is not null).Select(item => new EventReport(
                item.EventTime!.Value, item.Type == "Warning", item.Reason ?? "", item.Note ?? ""))],
        };
    }

    private static string[] NamesOf(ServerNames names) =>
        [.. names.DnsNames, .. names.Addresses.Select(address => address.ToString())];

    public static CertificateReport? CertificateOf(ClusterFacts facts) =>
        CertificateRecord.Read(facts.Release?.Metadata.Annotations) is { } record
            ? new CertificateReport(
                record.Serial, record.Issuer, GenerationOf(facts, record.Issuer), record.NotBefore, record.NotAfter,
                record.RenewalTime(facts.Cluster.Metadata.Uid ?? ""), record.IsServed)
            : null;

    private static int? GenerationOf(ClusterFacts facts, string root) =>
        facts.Generations.TryGetValue(root, out var generation) ? generation : null;

    /// <summary>The release as it was requested, and as the provider reports it where that was read.</summary>
    public static ReleaseStatus? ReleaseOf(HelmChartProxy? release, HelmReleaseProxy? helm)
    {
        if (release?.Spec is not { } spec)
            return null;
        var progress = ReleaseProgress.Read(release.Metadata.Annotations);
        return new ReleaseStatus($"{spec.RepoURL}/{spec.ChartName}", spec.Version ?? "")
        {
            Revision = progress?.Revision,
            Since = progress?.Since,
            IsServed = progress?.IsServed == true,
            HelmStatus = helm?.Status?.Status is { } word ? FieldText.Sentence(word) : null,
            HelmRevision = helm?.Status?.Revision,
            Conditions = [.. (helm?.Status?.Conditions ?? release.Status?.Conditions ?? []).Select(ClusterStatusFactory.Report)],
        };
    }
}

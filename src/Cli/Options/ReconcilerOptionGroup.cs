using CapiRegistryHook.Hooks.Reconciling;

namespace CapiRegistryHook.Cli.Options;

/// <summary>How the reconciler works.</summary>
internal static class ReconcilerOptionGroup
{
    private static readonly OptionGroup<ReconcilerOptions> Group = new OptionGroup<ReconcilerOptions>(new())
        .Add("reconciler", OptionKind.Choice<ReconcilerMode>(), options => options.Mode,
            (options, value) => options with { Mode = value },
            "On: one replica at a time reconciles Clusters in the background. Off: "
                + "only the hooks work, and nothing is renewed between two upgrades.")
        .Add("reconcile-workers", OptionKind.Number(1, 64), options => options.Workers,
            (options, value) => options with { Workers = value },
            "Clusters that are reconciled at the same time. Those whose last reconcile failed get at most half of the workers.")
        .Add("reconcile-rate", OptionKind.Number(1, 1000), options => options.Rate, (options, value) => options with { Rate = value },
            "Reconciles that start per second. Each makes three or four calls to the management cluster.")
        .Add("resync-interval", OptionKind.Duration(TimeSpan.FromMinutes(1), TimeSpan.FromHours(24)), options => options.Resync,
            (options, value) => options with { Resync = value },
            "How often a Cluster is reconciled when nothing changes.")
        .Add("verify-interval", OptionKind.Duration(TimeSpan.Zero, TimeSpan.FromHours(720)), options => options.Verify,
            (options, value) => options with { Verify = value },
            "How often the certificate on a workload cluster is checked when nothing is due; 0s for never.")
        .Add("volume-interval", OptionKind.Duration(TimeSpan.Zero, TimeSpan.FromHours(24)), options => options.VolumeInterval,
            (options, value) => options with { VolumeInterval = value },
            "How often the fill level of a registry's volumes is read from the kubelets of its cluster; 0s for never.")
        .Add("lease-duration", OptionKind.Duration(TimeSpan.FromSeconds(3), TimeSpan.FromMinutes(5)), options => options.Lease,
            (options, value) => options with { Lease = value },
            "How long the other replicas wait for a lease renewal by the leader before one of them takes over.");

    public static IReadOnlyList<ServiceOption> Options => Group.Options;

    public static ReconcilerOptions Read(OptionReader reader) => Group.Read(reader);
}

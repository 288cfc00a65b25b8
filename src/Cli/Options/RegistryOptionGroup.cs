using CapiRegistryHook.Hooks.Serving;
using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Cli.Options;

/// <summary>The options that decide what a cluster's registry is.</summary>
internal static class RegistryOptionGroup
{
    private const string HookNamespace = "hook-namespace";
    private const string ChartRepository = "chart-repository";
    private const string ChartCaSecret = "chart-ca-secret";
    private const string ValuesFile = "registry-values-file";
    private const string WatchNamespaces = "watch-namespaces";

    private static readonly OptionGroup<RegistryOptions> Group = new OptionGroup<RegistryOptions>(new())
        .Add(HookNamespace, OptionKind.Text, options => options.HookNamespace,
            (options, value) => value.Length == 0 ? options : options with { HookNamespace = value },
            "Namespace of this service, which holds the root CA Secret.", $"the pod's namespace, else {RegistryOptions.DefaultNamespace}")
        .Add("root-secret-name", OptionKind.Text, options => options.RootSecretName,
            (options, value) => options with { RootSecretName = value },
            "Name of the root CA Secret.")
        .Add("root-source", OptionKind.Choice<RootSource>(), options => options.RootSource,
            (options, value) => options with { RootSource = value },
            "Who creates the root CA: Managed (this service, when it is absent) or External (cert-manager or a person).")
        .Add("key-algorithm", OptionKind.Word(RegistryOptions.KeyAlgorithms), options => options.KeyAlgorithm,
            (options, value) => options with { KeyAlgorithm = value },
            "Key algorithm of new certificates.")
        .Add("variable-name", OptionKind.Text, options => options.VariableName,
            (options, value) => options with { VariableName = value },
            "Topology variable that holds the settings of a cluster's registry.")
        .Add("variable-path", OptionKind.Text, options => options.VariablePath,
            (options, value) => options with { VariablePath = value },
            "Path of the settings in that variable: field names joined by dots.")
        .Add("auto-enable", OptionKind.Choice<AutoEnableMode>(), options => options.AutoEnable,
            (options, value) => options with { AutoEnable = value },
            "On: the admission webhook requests a registry for new Clusters that do not mention one.")
        .Add("auto-enable-settings", OptionKind.Text, options => options.AutoEnableSettings,
            (options, value) => options with { AutoEnableSettings = value },
            "Settings that auto-enable writes into new Clusters: a JSON object with the fields of the variable.")
        .Add(ChartRepository, OptionKind.Text, options => options.ChartRepository,
            (options, value) => options with { ChartRepository = value },
            "Repository of the registry chart, an oci:// or https:// URL.",
            RegistryOptions.ServedCharts("<hook-namespace>"))
        .Add("chart-name", OptionKind.Text, options => options.ChartName, (options, value) => options with { ChartName = value },
            "Name of the registry chart.")
        .Add("chart-version", OptionKind.Text, options => options.ChartVersion, (options, value) => options with { ChartVersion = value },
            "Exact version of the registry chart.", "the version of this service")
        .Add(ChartCaSecret, OptionKind.Text, options => options.ChartCaSecret,
            (options, value) => options with { ChartCaSecret = value },
            "Secret with the ca.crt that verifies the chart repository, as namespace/name; empty for the system's CAs.",
            "<hook-namespace>/<tls-public-secret-name> with the default repository, else empty")
        .Add("on-disable", OptionKind.Choice<DisabledData>(), options => options.OnDisable,
            (options, value) => options with { OnDisable = value },
            "What happens to a registry's volumes and certificate when its Cluster no longer requests a registry. "
                + "The reconciler acts on it.")
        .Add("rollout", OptionKind.Choice<RolloutMode>(), options => options.Rollout,
            (options, value) => options with { Rollout = value },
            "When new values for the registry chart, or a new chart, reach installed registries: Paced (a few at a time), OnUpgrade (with "
                + "the next upgrade of each cluster) or Immediately (with the next reconcile).")
        .Add("rollout-concurrency", OptionKind.Number(1, 100), options => options.RolloutConcurrency,
            (options, value) => options with { RolloutConcurrency = value },
            "Registries that a paced rollout changes at the same time.")
        .Add("rollout-max-failures", OptionKind.Number(1, 100), options => options.RolloutMaxFailures,
            (options, value) => options with { RolloutMaxFailures = value },
            "Registries that must fail for a paced rollout to stop.")
        .Add("cluster-condition", OptionKind.Choice<ClusterConditionMode>(), options => options.ClusterCondition,
            (options, value) => options with { ClusterCondition = value },
            "Whether the reconciler keeps the condition capi-registry-hook.io/RegistryReady on Clusters: "
                + "On, Remove (it takes away those that it wrote) or Off.")
        .Add("upgrade-block-limit", OptionKind.Duration(TimeSpan.Zero, TimeSpan.FromHours(24)), options => options.UpgradeBlockLimit,
            (options, value) => options with { UpgradeBlockLimit = value },
            "How long a fault may block a cluster's upgrade.")
        .Add("content-gate", OptionKind.Choice<ContentGateMode>(), options => options.ContentGate,
            (options, value) => options with { ContentGate = value },
            "On: upgrades wait until the cluster's registry holds the RegistryContents that name the target version, and a new registry is "
                + "ready when it holds all that select its Cluster.")
        .Add("content-block-limit", OptionKind.Duration(TimeSpan.Zero, TimeSpan.FromHours(24)), options => options.ContentBlockLimit,
            (options, value) => options with { ContentBlockLimit = value },
            "How long missing content may block a cluster's upgrade; 0s only reports it.")
        .Add("workload-allow-cidrs", OptionKind.CommaSeparated, options => options.WorkloadAllowCidrs,
            (options, value) => options with { WorkloadAllowCidrs = value },
            "CIDR blocks of loopback, link-local and other special addresses that kubeconfigs of workload clusters may point to. "
                + "All other special addresses are refused.", "none")
        .Add("extra-names-allow-cidrs", OptionKind.CommaSeparated, options => options.ExtraNamesAllowCidrs,
            (options, value) => options with { ExtraNamesAllowCidrs = value },
            "CIDR blocks outside a cluster's own service CIDRs from which its variable may add addresses to the server certificate. All "
                + "clusters share the root, so such a certificate is accepted in every cluster.", "none")
        .Add("content-shared-namespaces", OptionKind.List, options => options.ContentSharedNamespaces,
            (options, value) => options with { ContentSharedNamespaces = value },
            "Namespaces whose RegistryContents may select Clusters of all namespaces. "
                + "Elsewhere a content selects Clusters of its own namespace only.", "none")
        .Add("work-limit", OptionKind.Duration(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(7)), options => options.WorkLimit,
            (options, value) => options with { WorkLimit = value },
            "How long a hook call may work before it answers that it could not finish.");

    private static readonly OptionGroup<string?> Values = new OptionGroup<string?>(null)
        .Add(ValuesFile, OptionKind.OptionalText, path => path, (_, path) => path,
            "File with values for the registry chart, for all clusters: YAML, as in the chart's values.yaml. Read again when it changes.",
            "none");

    private static readonly OptionGroup<RegistryOptions> Watched = new OptionGroup<RegistryOptions>(new())
        .Add(WatchNamespaces, OptionKind.List, options => options.WatchNamespaces,
            (options, value) => options with { WatchNamespaces = [.. value.Order(StringComparer.Ordinal)] },
            "Namespaces whose Clusters are reconciled; empty for all.", "all");

    public static IReadOnlyList<ServiceOption> Options { get; } = [.. Group.Options, .. Values.Options];

    /// <summary>The option that says which Clusters there are.</summary>
    public static ServiceOption Namespaces => Watched.Options[0];

    /// <summary>Those that say which root CA.</summary>
    public static IReadOnlyList<ServiceOption> Root { get; } =
        [.. Options.Where(option => option.Name is HookNamespace or "root-secret-name" or "root-source")];

    /// <summary>Those that say where in a Cluster the settings are.</summary>
    public static IReadOnlyList<ServiceOption> Variable { get; } =
        [.. Options.Where(option => option.Name is "variable-name" or "variable-path")];

    /// <summary>What was set, checked as a whole.</summary>
    public static RegistryOptions Read(OptionReader reader)
    {
        var start = new RegistryOptions();
        if (ManagementConnection.PodNamespace is { } podNamespace)
            start = start with { HookNamespace = podNamespace };
        var options = Watched.Read(reader, WithChartSource(Group.Read(reader, start), reader));
        foreach (var name in options.WatchNamespaces.Where(name => !FieldText.IsNamespace(name)))
            reader.Refuse(WatchNamespaces, $"has {FieldText.Quote(name)}, which is not a valid namespace name.");
        var values = new RegistryValuesFile(ReadValuesPath(reader), new RegistryDefaults(options.ChartName, options.ChartVersion));
        try
        {
            values.Read();
        }
        catch (RegistryDefaultsException exception)
        {
            reader.Refuse(ValuesFile, $"names the file {values.Path}. {exception.Message}");
        }

        options = options with { Defaults = values.Values };
        reader.Refuse(options.Validate());
        return options;
    }

    /// <summary>The file with values for the registry chart; null for none.</summary>
    public static string? ReadValuesPath(OptionReader reader) => Values.Read(reader);

    /// <summary>By default the service's own chart, verified by the CA of its serving certificate.</summary>
    private static RegistryOptions WithChartSource(RegistryOptions options, OptionReader reader) =>
        reader.IsSet(ChartRepository) ? options : options with
        {
            ChartRepository = RegistryOptions.ServedCharts(options.HookNamespace),
            ChartCaSecret = reader.IsSet(ChartCaSecret)
                ? options.ChartCaSecret : $"{options.HookNamespace}/{CertificateOptionGroup.ReadPublicSecretName(reader)}",
        };
}

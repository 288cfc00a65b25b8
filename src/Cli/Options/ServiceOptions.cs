using CapiRegistryHook.Hooks;
using CapiRegistryHook.Hooks.Operations;
using CapiRegistryHook.Hooks.Reconciling;
using CapiRegistryHook.Hooks.Serving;
using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Cli.Options;

/// <summary>Reads the options of the service and checks them as a whole.</summary>
internal static class ServiceOptions
{
    private const string ServiceName = "capi-registry-hook";
    private const string ValuesFile = "registry-values-file";
    private const string FallbackNamespace = "capi-registry-hook-system";

    /// <summary>Every option of <c>serve</c>; what can't be used is added to <paramref name="problems"/>.</summary>
    public static HookHostOptions Read(OptionReader reader, ICollection<string> problems)
    {
        var registry = ReadRegistry(reader, problems);
        var own = CertificateOptions.ReadSelfManaged(reader, $"{ServiceName}.{registry.HookNamespace}.svc", problems);
        var files = CertificateOptions.ReadFiles(reader, own is null, problems);
        var defaults = new ListenOptions { CertificateFile = "", KeyFile = "" };
        var listen = new ListenOptions
        {
            Endpoint = reader.Endpoint("listen", defaults.Endpoint),
            Metrics = reader.OptionalEndpoint("metrics-listen", defaults.Metrics),
            CertificateFile = files.Certificate,
            KeyFile = files.Key,
            ClientCaFile = reader.OptionalText("client-ca-file"),
            ClientNames = reader.Names("client-names"),
            DrainDelay = reader.Duration("drain-delay", defaults.DrainDelay, TimeSpan.FromSeconds(60)),
        };
        if (listen.Endpoint.Port != 0 && listen.Endpoint.Equals(listen.Metrics))
            problems.Add(
                $"{reader.SourceOf("metrics-listen")} has the value \"{listen.Metrics}\", which {reader.SourceOf("listen")} has too; "
                    + "use another port.");
        RequireFile(reader, "client-ca-file", problems);
        if (listen.ClientNames.Count > 0 && listen.ClientCaFile is null)
            problems.Add($"{reader.SourceOf("client-names")} needs an authority that vouches for the names; set --client-ca-file too.");
        return new HookHostOptions(
            registry,
            new RegistryValuesFile(reader.OptionalText(ValuesFile), registry.Defaults),
            listen,
            own,
            ReadReconciler(reader, problems),
            ReadManagement(reader, problems),
            reader.Choice("log-level", LogLevel.Information));
    }

    /// <summary>The options that say where the management cluster is.</summary>
    public static ManagementConnection ReadManagement(OptionReader reader, ICollection<string> problems)
    {
        RequireFile(reader, "kubeconfig", problems);
        if (reader.IsSet("context") && !reader.IsSet("kubeconfig"))
            problems.Add($"{reader.SourceOf("context")} needs a kubeconfig; set --kubeconfig too.");
        return new ManagementConnection(reader.OptionalText("kubeconfig"), reader.OptionalText("context"));
    }

    /// <summary>The namespaces with Clusters; none means all.</summary>
    public static IReadOnlyList<string> ReadNamespaces(OptionReader reader, ICollection<string> problems)
    {
        List<string> names = [.. reader.Names("watch-namespaces").Order(StringComparer.Ordinal)];
        foreach (var name in names.Where(name => !FieldText.IsNamespace(name)))
            problems.Add($"{reader.SourceOf("watch-namespaces")} names {FieldText.Quote(name)}, which is no name of a namespace.");
        return names;
    }

    /// <summary>The options that decide what a cluster's registry is.</summary>
    public static RegistryOptions ReadRegistry(OptionReader reader, ICollection<string> problems)
    {
        var defaults = new RegistryOptions();
        var hookNamespace = reader.OptionalText("hook-namespace") ?? ManagementConnection.PodNamespace ?? FallbackNamespace;
        var isOwnChart = !reader.IsSet("chart-repository");
        var chartName = reader.Text("chart-name", defaults.ChartName);
        var chartVersion = reader.Text("chart-version", ServiceVersion.Text);
        var options = new RegistryOptions
        {
            HookNamespace = hookNamespace,
            RootSecretName = reader.Text("root-secret-name", defaults.RootSecretName),
            RootSource = reader.Choice("root-source", defaults.RootSource),
            KeyAlgorithm = reader.Text("key-algorithm", defaults.KeyAlgorithm),
            VariableName = reader.Text("variable-name", defaults.VariableName),
            VariablePath = reader.Text("variable-path", defaults.VariablePath),
            ChartRepository = reader.Text("chart-repository", $"oci://{ServiceName}.{hookNamespace}.svc:443/charts"),
            ChartName = chartName,
            ChartVersion = chartVersion,
            ChartCaSecret = reader.Text(
                "chart-ca-secret", isOwnChart ? $"{hookNamespace}/{reader.Text("tls-public-secret-name", $"{ServiceName}-tls")}" : ""),
            Defaults = ReadDefaults(reader, new RegistryDefaults(chartName, chartVersion), problems),
            OnDisable = reader.Choice("on-disable", defaults.OnDisable),
            UpgradeBlockLimit = reader.Duration("upgrade-block-limit", defaults.UpgradeBlockLimit, TimeSpan.FromHours(24)),
            WorkloadAllowCidrs = reader.Text("workload-allow-cidrs", defaults.WorkloadAllowCidrs),
            WorkLimit = reader.Duration("work-limit", defaults.WorkLimit, TimeSpan.FromSeconds(7)),
        };
        foreach (var problem in options.Validate())
            problems.Add($"{reader.SourceOf(ServiceOption.NameOf(problem.Field))} {problem.Sentence}");
        return options;
    }

    private static ReconcilerOptions ReadReconciler(OptionReader reader, ICollection<string> problems)
    {
        var defaults = new ReconcilerOptions();
        return new ReconcilerOptions
        {
            Mode = reader.Choice("reconciler", defaults.Mode),
            Namespaces = ReadNamespaces(reader, problems),
            Workers = reader.Number("reconcile-workers", defaults.Workers, 1, 64),
            Rate = reader.Number("reconcile-rate", defaults.Rate, 1, 1000),
            Resync = reader.Duration("resync-interval", defaults.Resync, TimeSpan.FromHours(24), TimeSpan.FromMinutes(1)),
            Verify = reader.Duration("verify-interval", defaults.Verify, TimeSpan.FromDays(30)),
            Lease = reader.Duration("lease-duration", defaults.Lease, TimeSpan.FromMinutes(5), TimeSpan.FromSeconds(3)),
        };
    }

    private static RegistryDefaults ReadDefaults(OptionReader reader, RegistryDefaults values, ICollection<string> problems)
    {
        var file = new RegistryValuesFile(reader.OptionalText(ValuesFile), values);
        try
        {
            file.Read();
        }
        catch (RegistryDefaultsException exception)
        {
            problems.Add($"{reader.SourceOf(ValuesFile)} names the file {file.Path}. {exception.Message}");
        }

        return file.Values;
    }

    private static void RequireFile(OptionReader reader, string name, ICollection<string> problems)
    {
        if (reader.OptionalText(name) is { } path && !File.Exists(path))
            problems.Add($"{reader.SourceOf(name)} names the file {path}, which does not exist.");
    }
}

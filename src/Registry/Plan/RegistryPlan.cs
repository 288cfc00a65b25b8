using System.Net;
using System.Text.Json.Nodes;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Chart;
using CapiRegistryHook.Registry.Logins;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Settings;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Plan;

/// <summary>
/// What the registry of one Cluster is: names, addresses, certificate and chart. A pure function of the Cluster and the
/// admin's options, so that every replica of this service comes to the same plan.
/// </summary>
internal sealed record RegistryPlan
{
    /// <summary>Set by Cluster API's topology controller before AfterControlPlaneInitialized; the HelmChartProxy selects by it.</summary>
    public const string ClusterNameLabel = "cluster.x-k8s.io/cluster-name";

    /// <summary>What the Cluster alone decides.</summary>
    public required RegistryBasis Basis { get; init; }

    public Cluster Cluster => Basis.Cluster;

    /// <summary>The addresses of the registry's Services: those that it was installed with, else those that are requested.</summary>
    public RegistryAddresses Addresses => KeptAddresses ?? Basis.Addresses;

    /// <summary>The addresses that the registry was installed with when other ones are requested now; null otherwise.</summary>
    public RegistryAddresses? KeptAddresses { get; private init; }

    public string ServiceDomain => Basis.ServiceDomain;

    /// <summary>The admin's decisions that the plan follows.</summary>
    public required ReleaseRevision Release { get; init; }

    /// <summary>What the admin and the cluster's variable say of the chart's values; not to be changed.</summary>
    public required JsonObject Values { get; init; }

    /// <summary>The generated login; null when there is none, or when it has not been looked up yet.</summary>
    public RegistryLogin? Login { get; init; }

    public int Replicas => ChartValues.Replicas(Values);

    /// <summary>Names, algorithm and lifetime of the server certificate, without <see cref="Nodes"/>.</summary>
    public required ServerCertificateRequest Certificate { get; init; }

    /// <summary>
    /// Addresses of nodes that the certificate has besides; empty until they have been looked up, and where none are asked for.
    /// </summary>
    public IReadOnlyList<IPAddress> Nodes { get; init; } = [];

    /// <summary>The server certificate with all of its names.</summary>
    public ServerCertificateRequest CertificateWithNodes => Nodes.Count == 0 ? Certificate : Certificate with
    {
        Names = ServerNames.Create(Certificate.Names.DnsNames, Certificate.Names.Addresses.Concat(Nodes)),
    };

    /// <summary>Root CA Secret on the management cluster.</summary>
    public required NamespacedName RootSecret { get; init; }

    /// <summary>What does not stop the plan, and should be known.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Secret with the trust bundle, beside the Cluster: <c>ca.crt</c> only.</summary>
    public NamespacedName TrustSecret => RegistryBasis.TrustSecret(Cluster);

    /// <summary>The contract of Cluster API: key <c>value</c> holds the kubeconfig.</summary>
    public static NamespacedName KubeconfigSecretOf(NamespacedName cluster) => new(cluster.Namespace, $"{cluster.Name}-kubeconfig");

    public NamespacedName ChartProxy => ChartProxyOf(Cluster);

    /// <summary>
    /// The HelmChartProxy of a Cluster, whether it requests one or not. The add-on provider makes its name a label value, so it is
    /// shortened for Clusters whose own name has more than 54 characters.
    /// </summary>
    public static NamespacedName ChartProxyOf(Cluster cluster) =>
        new(cluster.Name.Namespace, KubernetesNames.Fit(cluster.Name.Name, "-registry"));

    /// <summary>Server certificate on the workload cluster.</summary>
    public static NamespacedName CertificateSecret { get; } = new(RegistryNames.Namespace, RegistryNames.CertificateSecret);

    /// <summary>A generated login on the workload cluster.</summary>
    public static NamespacedName LoginSecret { get; } = new(RegistryNames.Namespace, RegistryNames.LoginSecret);

    /// <summary>The key that signs uploads in progress, on the workload cluster.</summary>
    public static NamespacedName UploadSecret { get; } = new(RegistryNames.Namespace, RegistryNames.UploadSecret);

    /// <summary>Secret on the workload cluster with what the registry fetches by itself.</summary>
    public static NamespacedName SourcesSecret { get; } = new(RegistryNames.Namespace, RegistryNames.SourcesSecret);

    /// <summary>Whether the registry answers nobody without a login.</summary>
    public bool AsksForLogin => MirrorRules.AsksForLogin(Basis.Settings, Values);

    /// <summary>The Cluster as owner: what hangs on it goes with it.</summary>
    public OwnerReference Owner => new()
    {
        ApiVersion = RegistryResources.ClusterApiVersion(Cluster),
        Kind = "Cluster",
        Name = Cluster.Name.Name,
        Uid = Cluster.Metadata.Uid!,
    };

    /// <summary>Decides whether the Cluster gets a registry, and which.</summary>
    public static PlanResult Create(Cluster cluster, RegistryOptions options)
    {
        var problems = new List<Problem>();
        if (RegistryBasis.Find(cluster, options, problems) is not { } basis)
            return problems.Count == 0 ? new PlanResult.NotWanted() : new PlanResult.Invalid(problems);

        return Create(basis, options, problems);
    }

    /// <summary>The same for a Cluster whose variable has been read.</summary>
    public static PlanResult Create(RegistryBasis basis, RegistryOptions options, List<Problem> problems)
    {
        var settings = basis.Settings;
        var values = ChartValues.Choose(options.Defaults, basis);
        var replicas = ChartValues.Replicas(values);
        if (ChartValues.Primary(values) is { } primary && primary >= replicas)
            problems.Add(NoSuchReplica($"{options.Variable.Field}.primaryReplica", primary, replicas));
        var names = RegistryNames.CertificateNames(basis, replicas, options, problems);
        if (problems.Count > 0)
            return new PlanResult.Invalid(problems);

        var plan = new RegistryPlan
        {
            Basis = basis,
            Release = ReleaseRevision.Of(options),
            Values = values,
            Certificate = new ServerCertificateRequest(RegistryNames.Registry, names,
            CertificateAlgorithms.Parse(settings.Algorithm ?? options.KeyAlgorithm), RegistryOptions.CertificateLifetime),
            RootSecret = new NamespacedName(options.HookNamespace, options.RootSecretName),
            Warnings =
            [
                .. RegistryAddresses.Warnings(basis.Cluster), .. MirrorRules.Warnings(settings, values, options.Variable.Field),
            ],
        };
        MirrorRules.Check(settings, values, options.Variable.Field, problems);
        CheckValues(plan, options, problems);
        return problems.Count == 0 ? new PlanResult.Wanted(plan) : new PlanResult.Invalid(problems);
    }

    /// <summary>
    /// The plan for a registry that is installed. Kubernetes refuses to change the addresses of a Service, so with other ones each later
    /// upgrade of the release would fail, renewals included. The certificate names both: nodes are told of either.
    /// </summary>
    /// <param name="installed">The values that the registry was installed with; null when it is not installed.</param>
    public RegistryPlan Keep(JsonObject? installed)
    {
        if (RegistryAddresses.Read(installed, Cluster) is not { } addresses || addresses.IsSame(Basis.Addresses))
            return this;
        var names = Certificate.Names;
        return this with
        {
            KeptAddresses = addresses,
            Certificate = Certificate with { Names = ServerNames.Create(names.DnsNames, names.Addresses.Concat(addresses.All)) },
        };
    }

    /// <summary>The chart refuses this too, but only when Helm renders it.</summary>
    private static Problem NoSuchReplica(string field, int primary, int replicas) => new(
        field,
        $"The variable {field}, or the admin's value sync.primary, is {primary}, but the registry has {replicas} "
            + $"{(replicas == 1 ? "replica" : "replicas")}, counted from 0; name one of them.");

    /// <summary>Another chart, or another version of ours, has a schema of its own that only Helm sees.</summary>
    private static void CheckValues(RegistryPlan plan, RegistryOptions options, List<Problem> problems)
    {
        if (!ShippedChart.Is(options.ChartName, options.ChartVersion))
            return;
        foreach (var violation in ShippedChart.Validate(ChartValues.Build(plan, certificateSerial: "0")))
            problems.Add(new Problem($"values.{violation.Path}",
                $"{RegistryDefaults.Describe(violation)} Change the variable {options.Variable.Field} or the admin's values for the "
                    + "registry chart."));
    }
}

/// <summary>The three answers to "which registry does this Cluster get?".</summary>
internal abstract record PlanResult
{
    private PlanResult()
    {
    }

    /// <summary>The variable does not ask for a registry.</summary>
    public sealed record NotWanted : PlanResult;

    /// <summary>The user must change something first.</summary>
    public sealed record Invalid(IReadOnlyList<Problem> Problems) : PlanResult;

    public sealed record Wanted(RegistryPlan Plan) : PlanResult;
}

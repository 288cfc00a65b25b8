using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.EndToEnd.Tests.Cluster;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Charts;
using CapiRegistryHook.Harness.Cluster;

namespace CapiRegistryHook.EndToEnd.Tests.Charts;

/// <summary>The registry chart installed by the real Helm into a namespace of a test's own, with a certificate for all its names.</summary>
internal sealed class RegistryRelease : IAsyncDisposable
{
    /// <summary>An address that the certificate has besides, for a test that pulls by it.</summary>
    public const string PullAddress = "10.96.0.204";

    private const int ContainerPort = 5000;
    private const int MostReplicas = 3;

    private readonly IWorkloadCluster _cluster;
    private readonly ClusterNamespace _namespace;
    private readonly ServerIdentity _identity;
    private readonly ScratchFolder _folder = ScratchFolder.Create("capi-registry-hook-release-");

    private RegistryRelease(IWorkloadCluster cluster, ClusterNamespace own)
    {
        _cluster = cluster;
        _namespace = own;
        _identity = ServerIdentity.Create([.. NamesIn(own.Name)], ["127.0.0.1", PullAddress]);
        Kubectl = new Kubectl(cluster.KubeconfigFile);
    }

    public Kubectl Kubectl { get; }

    public string Namespace => _namespace.Name;

    public ClusterNode Node => _cluster.Node;

    /// <summary>What verifies the registry.</summary>
    public string RootPem => _identity.RootPem;

    /// <summary>The kubeconfig of the cluster.</summary>
    public string Kubeconfig => _cluster.Kubeconfig;

    /// <summary>A namespace with the certificate, and nothing installed yet.</summary>
    public static async Task<RegistryRelease> PrepareAsync(SharedCluster shared, string name, CancellationToken cancellationToken)
    {
        var cluster = await shared.GetAsync();
        var release = new RegistryRelease(cluster, await ClusterNamespace.CreateAsync(cluster, name, cancellationToken));
        var identity = release._identity;
        await release.CreateSecretAsync("registry-tls", cancellationToken, ("tls.crt", identity.CertificatePem),
            ("tls.key", identity.KeyPem), ("ca.crt", identity.RootPem));
        return release;
    }

    /// <summary>Installs or upgrades a release and waits until all of it is ready.</summary>
    /// <param name="values">Values as JSON, on top of the images that the cluster has and of short waits.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <param name="name">The release, and the name of its StatefulSet.</param>
    /// <param name="tool"><c>helm3</c> or <c>helm4</c>.</param>
    public async Task InstallAsync(
        string values, CancellationToken cancellationToken, string name = "registry", string tool = "helm3")
    {
        var all = await BaseValuesAsync(name, cancellationToken);
        Merge(JsonNode.Parse(values)!.AsObject(), all);
        var file = _folder.Write($"{name}.json", all.ToJsonString());
        await using var helm = await HelmClient.ForAsync(tool, _cluster.Kubeconfig, Namespace, cancellationToken);
        try
        {
            await helm.RunAsync(cancellationToken, "upgrade", "--install", name, ChartFolder.Open("registry").Path, "--values", file,
                "--wait", "--timeout=120s");
        }
        catch (InvalidOperationException exception)
        {
            var pods = await Kubectl.RunAsync(cancellationToken, "--namespace", Namespace, "describe", "pods");
            throw new InvalidOperationException($"{exception.Message}\n{pods.Output}", exception);
        }
    }

    /// <summary>A Secret with text.</summary>
    public Task CreateSecretAsync(string name, CancellationToken cancellationToken, params (string Key, string Text)[] entries)
    {
        var data = new JsonObject(entries.Select(entry => KeyValuePair.Create<string, JsonNode?>(entry.Key, entry.Text)));
        var secret = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Secret",
            ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = Namespace }, ["stringData"] = data };
        return Kubectl.ApplyAsync(secret.ToJsonString(), cancellationToken);
    }

    /// <summary>An entry of a Secret.</summary>
    public async Task<string> ReadSecretAsync(string name, string key, CancellationToken cancellationToken) =>
        Encoding.UTF8.GetString(Convert.FromBase64String(
            await KubectlAsync(cancellationToken, "get", $"secret/{name}", $"--output=jsonpath={{.data.{key}}}")));

    /// <summary>
    /// Starts a Job as the CronJob does at its time. (kubectl's own way does not know CronJobs of batch/v1beta1 any more.)
    /// </summary>
    public async Task StartCollectionAsync(string name, CancellationToken cancellationToken)
    {
        var cronJob = JsonNode.Parse(await KubectlAsync(cancellationToken, "get", "cronjob/registry-gc", "--output=json"))!;
        var job = new JsonObject
        {
            ["apiVersion"] = "batch/v1",
            ["kind"] = "Job",
            ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = Namespace },
            ["spec"] = cronJob["spec"]!["jobTemplate"]!["spec"]!.DeepClone(),
        };
        await Kubectl.ApplyAsync(job.ToJsonString(), cancellationToken);
    }

    /// <summary>Runs kubectl in the namespace; it has to succeed.</summary>
    public async Task<string> KubectlAsync(CancellationToken cancellationToken, params string[] arguments) =>
        (await Kubectl.RunAsync(cancellationToken, ["--namespace", Namespace, .. arguments])).OutputOfSuccess();

    /// <summary>Leads to where clients push.</summary>
    public Task<PortForward> ToPrimaryAsync(CancellationToken cancellationToken, string name = "registry") =>
        PortForward.ToServiceAsync(_cluster, Namespace, $"{name}-primary", cancellationToken);

    /// <summary>Leads to one replica.</summary>
    public PortForward ToReplica(int ordinal, string name = "registry") =>
        PortForward.ToPod(_cluster, Namespace, $"{name}-{ordinal}", ContainerPort);

    /// <summary>A client that trusts the registry's authority only.</summary>
    public Skopeo Client(PortForward forward, string? credentials = null) => new(forward.Authority, _identity.RootPem, credentials);

    /// <summary>Waits until a replica has an image, and that is this digest.</summary>
    public async Task WaitForImageAsync(int ordinal, string image, string digest, string? credentials, CancellationToken cancellationToken)
    {
        await using var forward = ToReplica(ordinal);
        var said = "";
        await Polling.UntilAsync($"{image} on registry-{ordinal}", HasDigestAsync, () => $"Wanted {digest}: {said}", cancellationToken);

        async Task<bool> HasDigestAsync()
        {
            var inspected = await Client(forward, credentials).InspectAsync(image, cancellationToken);
            said = inspected.Output + inspected.Errors;
            return inspected.Succeeded && (string)JsonNode.Parse(inspected.Output)!["Digest"]! == digest;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _namespace.DisposeAsync();
        await _folder.DisposeAsync();
    }

    private static IEnumerable<string> NamesIn(string @namespace)
    {
        foreach (var name in (string[])["registry", "cache"])
        {
            yield return $"{name}.{@namespace}.svc";
            yield return $"{name}.{@namespace}.svc.cluster.local";
            yield return $"{name}-primary.{@namespace}.svc.cluster.local";
            for (var ordinal = 0; ordinal < MostReplicas; ordinal++)
                yield return $"{name}-{ordinal}.{name}-headless.{@namespace}.svc.cluster.local";
        }
    }

    /// <summary>The images that the cluster has, and short waits.</summary>
    public async Task<JsonObject> BaseValuesAsync(string name, CancellationToken cancellationToken) => new()
    {
        ["fullnameOverride"] = name,
        ["image"] = ImageValues.Of(await _cluster.ProvideImageAsync(TestImage.Registry, cancellationToken)),
        ["sync"] = new JsonObject { ["image"] = ImageValues.Of(await _cluster.ProvideImageAsync(TestImage.Regsync, cancellationToken)),
        ["interval"] = "1s" },
        ["garbageCollection"] =
            new JsonObject { ["image"] = ImageValues.Of(await _cluster.ProvideImageAsync(TestImage.Kubectl, cancellationToken)) },
        ["test"] = new JsonObject { ["image"] = ImageValues.Of(await _cluster.ProvideImageAsync(TestImage.Curl, cancellationToken)) },
        // The volumes are folders of the machine, whose disk may be fuller than that of a registry should be.
        ["storage"] = new JsonObject { ["size"] = "100Mi", ["highWaterMark"] = 99 },
        // Nobody pulls through a Service while these pods stop.
        ["drain"] = new JsonObject { ["delaySeconds"] = 0, ["timeoutSeconds"] = 5 },
        ["probes"] = new JsonObject { ["readiness"] = new JsonObject { ["periodSeconds"] = 1 } },
        ["minReadySeconds"] = 0,
    };

    private static void Merge(JsonObject from, JsonObject into)
    {
        foreach (var (key, value) in from)
        {
            if (value is JsonObject nested && into[key] is JsonObject target)
                Merge(nested, target);
            else
                into[key] = value?.DeepClone();
        }
    }
}

using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Authorities;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Trust;
using CapiRegistryHook.Unit.Tests.Certificates;
using CapiRegistryHook.Unit.Tests.Kubernetes;

namespace CapiRegistryHook.Unit.Tests.Registry.Trust;

/// <summary>
/// A management cluster in this process with a root, one cluster, its Machines, and a clock that only moves when it is told to.
/// </summary>
internal sealed class RotationFixture : IAsyncDisposable
{
    public static readonly NamespacedName Root = new("capi-registry-hook-system", "registry-addon-root-ca");
    public static readonly NamespacedName Next = new("capi-registry-hook-system", "registry-addon-root-ca-next");

    private RotationFixture(EmbeddedApiServer server, FixedTime time, RegistryOptions options)
    {
        Server = server;
        Time = time;
        Options = options;
        Objects = new AdminClient(server);
        Client = new KubernetesClient(
            Kubeconfig.Parse(Encoding.UTF8.GetBytes(server.Kubeconfig), context: null, TimeProvider.System),
            ClientFixture.Quick with { MaxAttempts = 1 }, TimeProvider.System);
        Trust = new ClusterTrust(Client, time);
    }

    public EmbeddedApiServer Server { get; }

    public FixedTime Time { get; }

    public RegistryOptions Options { get; }

    public AdminClient Objects { get; }

    public KubernetesClient Client { get; }

    public ClusterTrust Trust { get; }

    /// <summary>What the last <see cref="TrustAsync"/> changed of the cluster's bundle.</summary>
    public List<Change> Changes { get; } = [];

    public RegistryPlan Plan => Clusters.Plan(Clusters.With(), Options);

    /// <summary>Each call is a process that has just started: nothing is remembered.</summary>
    private RootRotation Rotation => new(Client, Options, Time);

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public static async Task<RotationFixture> StartAsync(RootSource source = RootSource.Managed)
    {
        var time = new FixedTime(Samples.Present);
        var server = await EmbeddedApiServer.StartAsync("management", time, CancellationToken);
        var fixture = new RotationFixture(server, time, new RegistryOptions { RootSource = source });
        foreach (var name in new[] { Root.Namespace, "team-a" })
            await fixture.Objects.CreateAsync(
                "/api/v1/namespaces", new JsonObject { ["metadata"] = new JsonObject { ["name"] = name } }, CancellationToken);
        return fixture;
    }

    /// <summary>What the hooks of a cluster do: read the roots, and put them into its bundle.</summary>
    public async Task<(StepResult<SigningRoots> Roots, StepResult<ClusterSigner> Signer)> TrustAsync(bool nodesExist = true)
    {
        var live = await Trust.FindAsync(Plan, CancellationToken);
        var roots = await new RootAuthority(Client, Options, Time).EnsureAsync(Plan, live is null, [], CancellationToken);
        Changes.Clear();
        return roots.Value is null
            ? (roots, default) : (roots, await Trust.EnsureAsync(Plan, roots.Value, live, nodesExist, Changes, CancellationToken));
    }

    public async Task<SigningRoots> RootsAsync() =>
        (await new RootAuthority(Client, Options, Time).EnsureAsync(Plan, mayCreate: true, [], CancellationToken)).Value!;

    public Task<RotationReport> AdvanceAsync(bool isComplete, TrustBundle trusted, params string[] served) =>
        Rotation.AdvanceAsync(new FixedFleet(isComplete, trusted, served), CancellationToken);

    public Task<RotationReport> AdvanceAsync(bool isComplete, params string[] served) =>
        AdvanceAsync(isComplete, TrustBundle.Empty, served);

    public Task<RotationAnswer> OrderAsync(bool isCompromised = false) =>
        RotationRequest.PlaceAsync(Client, Options, isCompromised, Time.GetUtcNow(), CancellationToken);

    public async Task<RetireResult> RetireAsync(bool served = true)
    {
        using var roots = await RootsAsync();
        return await Trust.RetireAsync(Plan, roots, served, CancellationToken);
    }

    public Task<Secret?> FindAsync(NamespacedName name) => Client.FindAsync(CoreResources.Secrets, name, CancellationToken);

    public async Task<TrustBundle> BundleAsync() => TrustSecret.Read((await FindAsync(Plan.TrustSecret))!)!;

    public async Task<TrustBundle> RootBundleAsync(NamespacedName name)
    {
        using var root = AuthoritySecret.Load((await FindAsync(name))!);
        return root.Authority.TrustBundle;
    }

    public async Task<string> IdAsync(NamespacedName name)
    {
        using var root = AuthoritySecret.Load((await FindAsync(name))!);
        return root.Id;
    }

    public Task AnnotateAsync(NamespacedName secret, string annotation, string? value) => Client.MergePatchAsync(
        CoreResources.Secrets, secret, new JsonObject {
            ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { [annotation] = value } } }, "admin", CancellationToken);

    /// <summary>Deleting the Secret only marks it from now on.</summary>
    public Task HoldAsync(NamespacedName secret) => Client.MergePatchAsync(
        CoreResources.Secrets, secret, new JsonObject {
            ["metadata"] = new JsonObject { ["finalizers"] = new JsonArray("example.com/hold") } }, "admin", CancellationToken);

    public Task DeleteAsync(NamespacedName secret) =>
        Client.DeleteAsync(CoreResources.Secrets, secret, new DeleteOptions(), CancellationToken);

    public Task ReplaceRootAsync(CertificateKeyPair pair) =>
        ReplaceRootAsync(Encoding.ASCII.GetBytes(pair.CertificatePem), pair.PrivateKeyPem.ToArray());

    /// <summary>As cert-manager does it: the Secret gets another root.</summary>
    public async Task ReplaceRootAsync(byte[] certificatePem, byte[] keyPem)
    {
        if (await FindAsync(Root) is not null)
            await DeleteAsync(Root);
        await Client.CreateAsync(
            CoreResources.Secrets,
            new Secret
            {
                Metadata = new ObjectMeta { Namespace = Root.Namespace, Name = Root.Name },
                Type = SecretKeys.TlsType,
                Data = new Dictionary<string, byte[]>
                {
                    [SecretKeys.Certificate] = certificatePem,
                    [SecretKeys.PrivateKey] = keyPem,
                    [SecretKeys.Authority] = certificatePem,
                },
            },
            "admin", CancellationToken);
    }

    public Task AddMachineAsync(string name, string plural = "machines", string cluster = "c1") => Objects.CreateAsync(
        $"/apis/cluster.x-k8s.io/v1beta2/namespaces/team-a/{plural}",
        new JsonObject
        {
            ["apiVersion"] = "cluster.x-k8s.io/v1beta2",
            ["kind"] = plural == "machines" ? "Machine" : "MachinePool",
            ["metadata"] = new JsonObject { ["name"] = name, ["labels"] = new JsonObject { ["cluster.x-k8s.io/cluster-name"] = cluster } },
        }, CancellationToken);

    public Task RemoveMachineAsync(string name, string plural = "machines") =>
        Objects.DeleteIfThereAsync($"/apis/cluster.x-k8s.io/v1beta2/namespaces/team-a/{plural}", name, CancellationToken);

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        Objects.Dispose();
        await Server.DisposeAsync();
    }

    /// <summary>Clusters of which the test knows what they serve and trust.</summary>
    private sealed record FixedFleet(bool IsComplete, TrustBundle Trusted, IReadOnlyList<string> Served) : IRotationProgress
    {
        public Task<ClusterKey?> FindClusterNotRotatedAsync(string rootId, CancellationToken cancellationToken) =>
            Task.FromResult<ClusterKey?>(IsComplete && Served.All(root => root == rootId) ? null : new ClusterKey("team-a", "c1"));

        public Task<TrustBundle> TrustedAsync(CancellationToken cancellationToken) => Task.FromResult(Trusted);
    }
}

using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Serving;
using CapiRegistryHook.Unit.Tests.Certificates;

namespace CapiRegistryHook.Unit.Tests.Registry.Serving;

/// <summary>A management cluster, a clock, replicas that make their own serving certificates, and somebody who plays Cluster API.</summary>
internal sealed class ServingFixture : IAsyncDisposable
{
    public const string Host = "hook.hooks.svc";
    public const string Namespace = "default";
    public const string AuthoritySecret = "capi-registry-hook-ca";
    public const string PublicSecret = "capi-registry-hook-tls";
    public const string Extension = "hook";

    private static readonly KubernetesClientOptions Quick = new() { BackoffBase = TimeSpan.FromMilliseconds(1),
        BackoffCap = TimeSpan.FromMilliseconds(2) };

    private readonly List<SelfManagedServing> _replicas = [];

    private ServingFixture(EmbeddedApiServer server)
    {
        Server = server;
        Objects = new AdminClient(server);
    }

    public EmbeddedApiServer Server { get; }

    public AdminClient Objects { get; }

    public FixedTime Time { get; } = new(Samples.Present);

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    /// <param name="withExtension">Whether there is an ExtensionConfig, whose bundle is still empty.</param>
    public static async Task<ServingFixture> StartAsync(bool withExtension = true)
    {
        var fixture = new ServingFixture(await EmbeddedApiServer.StartAsync("management", CancellationToken));
        if (withExtension)
        {
            await fixture.Objects.CreateAsync(AdminClient.ExtensionConfigs, new JsonObject
            {
                ["apiVersion"] = "runtime.cluster.x-k8s.io/v1beta2",
                ["kind"] = "ExtensionConfig",
                ["metadata"] = new JsonObject { ["name"] = Extension },
                ["spec"] = new JsonObject {
                    ["clientConfig"] = new JsonObject { ["service"] = new JsonObject { ["name"] = "hook", ["namespace"] = "hooks" } } },
            }, CancellationToken);
        }

        return fixture;
    }

    /// <summary>One more replica of the service.</summary>
    public SelfManagedServing NewReplica(string extension = Extension, string webhook = "")
    {
        var client = new KubernetesClient(
            Kubeconfig.Parse(Encoding.UTF8.GetBytes(Server.Kubeconfig), null, TimeProvider.System), Quick, TimeProvider.System);
        var options = new ServingOptions { Names = [Host, "127.0.0.1"], ExtensionConfig = extension, Webhook = webhook };
        _replicas.Add(new SelfManagedServing(client, new RegistryOptions { HookNamespace = Namespace }, options, Time));
        return _replicas[^1];
    }

    /// <summary>The bundle that is published now.</summary>
    public async Task<TrustBundle> PublishedAsync() => TrustBundle.Parse(await ValueAsync(PublicSecret, "ca.crt"));

    public async Task<byte[]> ValueAsync(string secret, string key)
    {
        var found = await Objects.GetAsync(AdminClient.Secrets(Namespace), secret, CancellationToken);
        return Convert.FromBase64String((string?)found["data"]?[key] ?? "");
    }

    /// <summary>Copies what is published into the ExtensionConfig, as Cluster API does some time after it has changed.</summary>
    public async Task<TrustBundle> InjectAsync()
    {
        var published = await PublishedAsync();
        var patch = new JsonObject { ["caBundle"] = Convert.ToBase64String(Encoding.ASCII.GetBytes(published.ToPem())) };
        await Objects.MergePatchAsync(
            AdminClient.ExtensionConfigs, Extension, new JsonObject { ["spec"] = new JsonObject { ["clientConfig"] = patch } },
            CancellationToken);
        return published;
    }

    public Task AnnotateAsync(string secret, string annotation, string value) => Objects.MergePatchAsync(
        AdminClient.Secrets(Namespace), secret,
        new JsonObject { ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { [annotation] = value } } }, CancellationToken);

    public Task SetAsync(string secret, string key, string? value) => Objects.MergePatchAsync(
        AdminClient.Secrets(Namespace), secret,
        new JsonObject { ["data"] =
            new JsonObject { [key] = value is null ? null : Convert.ToBase64String(Encoding.ASCII.GetBytes(value)) } }, CancellationToken);

    public Task DeleteAsync(string secret) => Objects.DeleteIfThereAsync(AdminClient.Secrets(Namespace), secret, CancellationToken);

    /// <summary>Whether a client that trusts this accepts what is served, at this time.</summary>
    public bool Accepts(TrustBundle trust, IssuedServingCertificate served)
    {
        var sent = new X509Certificate2Collection();
        sent.ImportFromPem(served.CertificatePem);
        using var chain = new X509Chain();
        chain.ChainPolicy = trust.CreateServerPolicy(Time);
        chain.ChainPolicy.ExtraStore.AddRange(sent);
        return chain.Build(sent[0]) && sent[0].MatchesHostname(Host) && sent[0].MatchesHostname("127.0.0.1");
    }

    public async ValueTask DisposeAsync()
    {
        _replicas.ForEach(replica => replica.Dispose());
        Objects.Dispose();
        await Server.DisposeAsync();
    }
}

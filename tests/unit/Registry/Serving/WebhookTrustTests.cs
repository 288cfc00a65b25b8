using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Registry.Serving;
using CapiRegistryHook.Unit.Tests.Certificates;

namespace CapiRegistryHook.Unit.Tests.Registry.Serving;

/// <summary>The caBundle of the admission webhook follows the Secret.</summary>
public sealed class WebhookTrustTests : IAsyncDisposable
{
    private static readonly TrustBundle First = Samples.Bundle(Samples.NewRoot());
    private static readonly TrustBundle Second = Samples.Bundle(Samples.NewRoot());
    private EmbeddedApiServer? _server;
    private AdminClient? _objects;
    private WebhookTrust? _trust;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        _trust?.Dispose();
        _objects?.Dispose();
        if (_server is not null)
            await _server.DisposeAsync();
    }

    [Fact]
    public async Task EnsureAsync_AuthorityChanges_WritesEveryWebhookAndNothingElse()
    {
        await StartAsync();
        await WriteSecretAsync("a comment\n" + First.ToPem());
        await CreateWebhookAsync();

        Assert.Equal("hook", await _trust!.EnsureAsync(CancellationToken));
        Assert.Equal([First, First], await BundlesAsync());
        Assert.Null(await _trust.EnsureAsync(CancellationToken));

        await PatchSecretAsync(First.Add(Second).ToPem());
        Assert.Equal("hook", await _trust.EnsureAsync(CancellationToken));
        Assert.Equal([First.Add(Second), First.Add(Second)], await BundlesAsync());
        var webhooks = (await GetWebhookAsync())["webhooks"]!.AsArray();
        Assert.All(webhooks, webhook => Assert.Equal("https://hook.test/", (string?)webhook!["clientConfig"]!["url"]));
        Assert.All(webhooks, webhook => Assert.Equal("Ignore", (string?)webhook!["failurePolicy"]));
    }

    [Fact]
    public async Task EnsureAsync_NothingToDo_IsTwoReads()
    {
        await StartAsync();
        await WriteSecretAsync(First.ToPem());
        await CreateWebhookAsync();
        await _trust!.EnsureAsync(CancellationToken);
        _server!.ClearCalls();

        await _trust.EnsureAsync(CancellationToken);

        Assert.Equal(["get", "get"], _server.Calls.Select(call => call.Verb));
    }

    [Fact]
    public async Task EnsureAsync_NoWebhook_CreatesNone()
    {
        await StartAsync();
        await WriteSecretAsync(First.ToPem());

        Assert.Null(await _trust!.EnsureAsync(CancellationToken));
        Assert.Empty(await _objects!.ListAsync(Collection, CancellationToken));
    }

    [Fact]
    public async Task EnsureAsync_ManyReplicas_AgreeOnOneBundle()
    {
        await StartAsync();
        await WriteSecretAsync(First.ToPem());
        await CreateWebhookAsync();

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => _trust!.EnsureAsync(CancellationToken)));

        Assert.Equal([First, First], await BundlesAsync());
    }

    [Theory]
    [InlineData("")]
    [InlineData("-----BEGIN CERTIFICATE-----\nbm9uc2Vuc2U=\n-----END CERTIFICATE-----\n")]
    public async Task EnsureAsync_SecretCantBeUsed_LeavesTheFormerBundle(string pem)
    {
        await StartAsync();
        await WriteSecretAsync(First.ToPem());
        await CreateWebhookAsync();
        await _trust!.EnsureAsync(CancellationToken);

        await PatchSecretAsync(pem);
        var exception = await Record.ExceptionAsync(() => _trust.EnsureAsync(CancellationToken));

        Assert.True(exception is null or ServingAuthorityException, exception?.ToString());
        Assert.Equal([First, First], await BundlesAsync());
    }

    private static string Collection => "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";

    private async Task StartAsync()
    {
        _server = await EmbeddedApiServer.StartAsync("management", CancellationToken);
        _objects = new AdminClient(_server);
        var client = new KubernetesClient(
            Kubeconfig.Parse(Encoding.UTF8.GetBytes(_server.Kubeconfig), null, TimeProvider.System),
            new KubernetesClientOptions { BackoffBase = TimeSpan.FromMilliseconds(1) }, TimeProvider.System);
        _trust = new WebhookTrust(client, new WebhookOptions { Webhook = "hook", CaSecret = "default/tls" });
    }

    private Task<JsonObject> WriteSecretAsync(string pem) => _objects!.CreateAsync(AdminClient.Secrets("default"), new JsonObject
    {
        ["metadata"] = new JsonObject { ["name"] = "tls" },
        ["data"] = new JsonObject { ["ca.crt"] = Encode(pem) },
    }, CancellationToken);

    private Task<JsonObject> PatchSecretAsync(string pem) => _objects!.MergePatchAsync(
        AdminClient.Secrets("default"), "tls", new JsonObject { ["data"] = new JsonObject { ["ca.crt"] = Encode(pem) } },
        CancellationToken);

    private Task<JsonObject> CreateWebhookAsync() => _objects!.CreateAsync(Collection, new JsonObject
    {
        ["apiVersion"] = "admissionregistration.k8s.io/v1",
        ["kind"] = "MutatingWebhookConfiguration",
        ["metadata"] = new JsonObject { ["name"] = "hook" },
        ["webhooks"] = new JsonArray(Webhook("a.hook.test"), Webhook("b.hook.test")),
    }, CancellationToken);

    private static JsonObject Webhook(string name) => new()
    {
        ["name"] = name,
        ["failurePolicy"] = "Ignore",
        ["clientConfig"] = new JsonObject { ["url"] = "https://hook.test/" },
    };

    private Task<JsonObject> GetWebhookAsync() => _objects!.GetAsync(Collection, "hook", CancellationToken);

    private async Task<TrustBundle[]> BundlesAsync() => [.. (await GetWebhookAsync())["webhooks"]!.AsArray().Select(webhook =>
        TrustBundle.Parse(Convert.FromBase64String((string)webhook!["clientConfig"]!["caBundle"]!)))];

    private static string Encode(string text) => Convert.ToBase64String(Encoding.ASCII.GetBytes(text));
}

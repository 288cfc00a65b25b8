using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>
/// A registry in the workload cluster, behind the port-forward of its API server and with the certificate that the service issued; it
/// answers as a test tells it to.
/// </summary>
internal sealed class GatedRegistry : IAsyncDisposable
{
    private const string Namespace = "registry-system";
    private const string Manifests = "/v2/capi-registry-hook/content/manifests/";
    private readonly WebApplication _application;
    private readonly X509Certificate2 _certificate;
    private readonly EmbeddedApiServer _workload;

    private GatedRegistry(WebApplication application, X509Certificate2 certificate, EmbeddedApiServer workload) =>
        (_application, _certificate, _workload) = (application, certificate, workload);

    /// <summary>The digest that the registry has under each tag.</summary>
    public Dictionary<string, string> Digests { get; } = [];

    /// <summary>What happens before an answer; null for nothing.</summary>
    public Func<HttpContext, Task>? Before { get; set; }

    /// <summary>How many HEADs came.</summary>
    public int Heads { get; private set; }

    /// <param name="environment">The clusters.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <param name="accounts">The Secret with its accounts; null for none.</param>
    public static async Task<GatedRegistry> StartAsync(
        TestEnvironment environment, CancellationToken cancellationToken, string? accounts = null)
    {
        var objects = environment.WorkloadObjects;
        var secret = await objects.GetAsync(AdminClient.Secrets(Namespace), "registry-tls", cancellationToken);
        using var pem = X509Certificate2.CreateFromPem(Text(secret, "tls.crt"), Text(secret, "tls.key"));
        var certificate = X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pfx), null);
        GatedRegistry? registry = null;
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate)));
        var application = builder.Build();
        application.Run(http => registry!.AnswerAsync(http));
        registry = new GatedRegistry(application, certificate, (EmbeddedApiServer)environment.Workload);
        await application.StartAsync(cancellationToken);
        await registry.PlaceAsync(objects, accounts, cancellationToken);
        return registry;
    }

    /// <summary>Leads to the registry, or to a port where nobody listens.</summary>
    public void Lead(bool isThere = true) =>
        _workload.LeadPod(Namespace, "registry-1", isThere ? new Uri(_application.Urls.Single()).Port : LoopbackPort.Find());

    public async ValueTask DisposeAsync()
    {
        await _application.StopAsync(new CancellationToken(canceled: true));
        await _application.DisposeAsync();
        _certificate.Dispose();
    }

    private async Task AnswerAsync(HttpContext http)
    {
        if (Before is { } before)
            await before(http);
        if (http.Response.StatusCode != StatusCodes.Status200OK)
            return;
        var path = http.Request.Path.Value!;
        Heads++;
        if (HttpMethods.IsHead(http.Request.Method) && path.StartsWith(Manifests, StringComparison.Ordinal)
            && Digests.GetValueOrDefault(path[Manifests.Length..]) is { } digest)
            http.Response.Headers["Docker-Content-Digest"] = digest;
        else
            http.Response.StatusCode = StatusCodes.Status404NotFound;
    }

    /// <summary>The second replica takes pushes, so that nobody can take the first for it by chance.</summary>
    private async Task PlaceAsync(AdminClient objects, string? accounts, CancellationToken cancellationToken)
    {
        await objects.DeleteIfThereAsync($"/api/v1/namespaces/{Namespace}/services", "registry-primary", cancellationToken);
        await objects.DeleteIfThereAsync($"/api/v1/namespaces/{Namespace}/pods", "registry-1", cancellationToken);
        await objects.CreateAsync($"/api/v1/namespaces/{Namespace}/services", new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = "registry-primary" },
            ["spec"] = new JsonObject { ["selector"] = new JsonObject { ["statefulset.kubernetes.io/pod-name"] = "registry-1" } },
        }, cancellationToken);
        await objects.CreateAsync($"/api/v1/namespaces/{Namespace}/pods", new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = "registry-1" },
            ["spec"] = accounts is null ? new JsonObject() : new JsonObject
            {
                ["volumes"] = new JsonArray(new JsonObject
                {
                    ["name"] = "auth", ["secret"] = new JsonObject { ["secretName"] = accounts },
                }),
            },
        }, cancellationToken);
        await SetReadyAsync(objects, "True", cancellationToken);
        Lead();
    }

    /// <summary>Says whether the pod is ready.</summary>
    public static Task SetReadyAsync(AdminClient objects, string isReady, CancellationToken cancellationToken) =>
        objects.MergePatchAsync($"/api/v1/namespaces/{Namespace}/pods", "registry-1/status", new JsonObject
        {
            ["status"] = new JsonObject
            {
                ["conditions"] = new JsonArray(new JsonObject { ["type"] = "Ready", ["status"] = isReady }),
            },
        }, cancellationToken);

    private static string Text(JsonObject secret, string key) =>
        Encoding.ASCII.GetString(Convert.FromBase64String((string)secret["data"]![key]!));
}

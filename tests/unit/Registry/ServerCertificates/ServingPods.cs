using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Unit.Tests.Kubernetes;
using CapiRegistryHook.Unit.Tests.Kubernetes.Forwarding;
using Microsoft.AspNetCore.Http;

namespace CapiRegistryHook.Unit.Tests.Registry.ServerCertificates;

/// <summary>A workload cluster with the registry's pods, of which each serves a certificate, or doesn't.</summary>
internal sealed class ServingPods : IAsyncDisposable
{
    /// <summary>The revision that pods run unless another one is given.</summary>
    public const string Revision = "0123456789abcdef";

    private readonly List<(string Name, bool Ready, string Revision, Func<HttpContext, Task> Forward)> _pods = [];
    private readonly List<LoopbackListener> _listeners = [];
    private readonly List<X509Certificate2> _certificates = [];

    /// <summary>Adds a ready pod that serves a certificate.</summary>
    public ServingPods Serve(string name, CertificateKeyPair pair)
    {
        var certificate = X509Certificate2.CreateFromPem(pair.CertificatePem, Encoding.ASCII.GetString(pair.PrivateKeyPem.Span));
        var context = SslStreamCertificateContext.Create(certificate, null, offline: true);
        var listener = new LoopbackListener((connection, cancellationToken) => ShakeAsync(connection, context, cancellationToken));
        _listeners.Add(listener);
        _certificates.Add(certificate);
        return Add(name, http => http.ForwardToAsync(listener.Port));
    }

    /// <summary>Adds a pod whose connections go as told.</summary>
    public ServingPods Add(string name, Func<HttpContext, Task> forward, bool ready = true, string revision = Revision)
    {
        _pods.Add((name, ready, revision, forward));
        return this;
    }

    /// <summary>Starts the API server of the cluster.</summary>
    public Task<ClientFixture> StartAsync(TimeProvider? time = null) =>
        ClientFixture.StartAsync((context, _) => AnswerAsync(context), new KubernetesClientOptions(), time);

    public async ValueTask DisposeAsync()
    {
        foreach (var listener in _listeners)
            await listener.DisposeAsync();
        _certificates.ForEach(certificate => certificate.Dispose());
    }

    private Task AnswerAsync(HttpContext context)
    {
        var path = context.Request.Path.Value!.Split('/');
        if (path[^1] == "portforward")
            return _pods.Single(pod => pod.Name == path[^2]).Forward(context);
        return context.Request.Query["labelSelector"] == "app.kubernetes.io/instance=registry,app.kubernetes.io/component=registry"
            ? context.JsonAsync(
                $$"""{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[{{string.Join(',', _pods.Select(pod => Json(pod.Name, pod.Ready, pod.Revision)))}}]}""")
            : context.StatusAsync(400, "BadRequest");
    }

    private static string Json(string name, bool ready, string revision) => $$$"""
        {"metadata":{"name":"{{{name}}}","namespace":"registry-system",
          "annotations":{"capi-registry-hook.io/release-revision":"{{{revision}}}"}},
         "status":{"phase":"Running","conditions":[{"type":"PodScheduled","status":"True"},{"type":"Ready","status":"{{{ready}}}"}]}}
        """;

    private static async Task ShakeAsync(TcpClient connection, SslStreamCertificateContext context, CancellationToken cancellationToken)
    {
        await using var stream = new SslStream(connection.GetStream());
        try
        {
            await stream.AuthenticateAsServerAsync(
                new SslServerAuthenticationOptions { ServerCertificateContext = context }, cancellationToken);
            await stream.ReadExactlyAsync(new byte[1], cancellationToken);
        }
        catch (AuthenticationException)
        {
            // The client has refused.
        }
    }
}

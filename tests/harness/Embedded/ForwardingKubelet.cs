using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CapiRegistryHook.Harness.Embedded;

/// <summary>
/// What a real API server needs of a kubelet to forward ports of pods: the pods of one node, each of which is a port of this machine. It
/// speaks WebSockets alone.
/// </summary>
internal sealed class ForwardingKubelet : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly LoopbackAuthority _authority = LoopbackAuthority.Create(TimeProvider.System);
    private readonly PodForwarding _forwarding = new();

    private ForwardingKubelet()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var certificate = _authority.IssueServer();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(
            options => options.Listen(System.Net.IPAddress.Loopback, 0, listen => listen.UseHttps(certificate)));
        _application = builder.Build();
        _application.UseWebSockets();
        _application.Run(AnswerAsync);
    }

    /// <summary>The port of 127.0.0.1 that it listens on.</summary>
    public int Port =>
        new Uri(_application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;

    public static async Task<ForwardingKubelet> StartAsync(CancellationToken cancellationToken)
    {
        var kubelet = new ForwardingKubelet();
        await kubelet._application.StartAsync(cancellationToken);
        return kubelet;
    }

    public void Lead(string @namespace, string pod, int localPort) => _forwarding.Lead(@namespace, pod, localPort);

    public async ValueTask DisposeAsync()
    {
        await _application.DisposeAsync();
        _authority.Dispose();
    }

    private Task AnswerAsync(HttpContext context)
    {
        var target = context.Request.Path.Value!.Split('/', StringSplitOptions.RemoveEmptyEntries) is ["portForward", var home, var pod]
            ? new RequestTarget(context.WebSockets.IsWebSocketRequest ? "get" : "create", null, home, pod, "portforward") : null;
        if (target is not null && _forwarding.Handles(target))
            return _forwarding.HandleAsync(context, target, context.RequestAborted);
        context.Response.StatusCode = StatusCodes.Status400BadRequest;
        return Task.CompletedTask;
    }
}

using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CapiRegistryHook.Harness;

/// <summary>The files of a folder over TLS on 127.0.0.1, for who has the login: what a classic chart repository is.</summary>
internal sealed class FileServer : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly string _folder;
    private readonly string _authorization;

    private FileServer(X509Certificate2 certificate, string folder, string login)
    {
        _folder = Directory.CreateDirectory(folder).FullName;
        _authorization = $"Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes(login))}";
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(
            options => options.Listen(System.Net.IPAddress.Loopback, 0, listen => listen.UseHttps(certificate)));
        _application = builder.Build();
        _application.Run(AnswerAsync);
    }

    /// <summary>Host and port.</summary>
    public string Authority => new Uri(
        _application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Authority;

    public static async Task<FileServer> StartAsync(
        X509Certificate2 certificate, string folder, string login, CancellationToken cancellationToken)
    {
        var server = new FileServer(certificate, folder, login);
        await server._application.StartAsync(cancellationToken);
        return server;
    }

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        if (context.Request.Headers.Authorization != _authorization)
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            context.Response.Headers.WWWAuthenticate = "Basic realm=\"charts\"";
            return;
        }

        // Names alone: nothing outside of the folder.
        var file = Path.Combine(_folder, Path.GetFileName(context.Request.Path.Value!));
        if (File.Exists(file))
            await context.Response.SendFileAsync(file);
        else
            context.Response.StatusCode = StatusCodes.Status404NotFound;
    }
}

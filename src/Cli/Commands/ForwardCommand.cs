using System.CommandLine;
using System.Net;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Delivery.Forwarding;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>Opens a local port that leads to the registry of a cluster, until it is interrupted.</summary>
internal static class ForwardCommand
{
    public static Command Build(TimeProvider time)
    {
        var cluster = new Argument<string>("NAMESPACE/NAME") { Description = "The Cluster." };
        var port = new Option<int>("--port", "-p")
        {
            Description = "Port of 127.0.0.1. [0 for any that is free, to 65535]", DefaultValueFactory = _ => 5000,
        };
        var command = new Command("forward", "Open a local port to the registry of a cluster, until interrupted.")
        {
            cluster, port,
        };
        command.Bind(TargetArguments.Service, (reader, result) =>
        {
            reader.CheckRange("port", result.GetValue(port), 0, 65_535);
            return TargetArguments.ReadOne(
                reader, result.GetValue(cluster)!, () => LoginArguments.Read(reader, given: null, time), time) is { } selection
                ? RunAsync(selection, result.GetValue(port))
                : Task.FromResult(ExitCode.Refuse(reader.Problems));
        });
        return command;
    }

    private static Task<int> RunAsync(TargetSelection selection, int port) =>
        selection.RunOnOneAsync(async (target, cancellationToken) =>
        {
            var asksForLogin = await AsksForLoginAsync(target.Client, cancellationToken);
            using var forward = RegistryForward.Listen(target, port, Console.Error.WriteLine);
            var folder = Directory.CreateTempSubdirectory("capi-registry-hook-forward-");
            try
            {
                var authority = Path.Combine(folder.FullName, "ca.crt");
                await File.WriteAllTextAsync(authority, target.TrustPem, cancellationToken);
                await Console.Out.WriteAsync(ForwardText.Write(target, forward.Port, authority, asksForLogin));
                await Console.Out.FlushAsync(cancellationToken);
                await forward.RunAsync(cancellationToken);
                return ExitCode.Success;
            }
            finally
            {
                folder.Delete(recursive: true);
            }
        });

    // A registry that can't be reached fails now, not at the first connection. Clients log in by themselves.
    private static async Task<bool> AsksForLoginAsync(RegistryClient registry, CancellationToken cancellationToken)
    {
        try
        {
            await registry.PingAsync(cancellationToken);
            return false;
        }
        catch (RegistryException exception) when (exception.Status == HttpStatusCode.Unauthorized)
        {
            return true;
        }
    }
}

using System.Net;

namespace CapiRegistryHook.Harness.Cluster;

/// <summary>A cluster of one node in Docker, made by kind. Its node pulls public images itself.</summary>
public sealed class KindCluster : IWorkloadCluster
{
    private readonly KindCommands _commands;
    private readonly ScratchFolder _folder;
    private readonly ClusterAccess _access;

    private KindCluster(KindCommands commands, ScratchFolder folder, ClusterAccess access, IPAddress hostAddress)
    {
        _commands = commands;
        _folder = folder;
        _access = access;
        HostAddress = hostAddress;
        Kubeconfig = KubeconfigText.Write(Name, Address, CertificateAuthorityPem, Token);
        KubeconfigFile = folder.Write("token.kubeconfig", Kubeconfig);
        Node = new ClusterNode(commands.EnterNode());
    }

    public string Name => _commands.Name;

    public Uri Address => _access.Server;

    public string CertificateAuthorityPem => _access.CertificateAuthorityPem;

    public string Token => _access.Token!;

    public string Kubeconfig { get; }

    public string KubeconfigFile { get; }

    public string ServiceNetwork => KindCommands.ServiceNetwork;

    public IPAddress HostAddress { get; }

    public ClusterNode Node { get; }

    /// <summary>True when a Docker daemon answers and kind is installed.</summary>
    public static async Task<bool> IsUsableAsync(CancellationToken cancellationToken) =>
        await SucceedsAsync(["docker", "info"], cancellationToken) && await SucceedsAsync(["kind", "version"], cancellationToken);

    /// <summary>
    /// Creates the cluster and waits until its node is ready: about a minute, more where the node's image has to be pulled.
    /// </summary>
    public static async Task<KindCluster> StartAsync(TextWriter progress, CancellationToken cancellationToken)
    {
        var folder = ScratchFolder.Create("capi-registry-hook-kind-");
        var commands = new KindCommands($"capi-registry-hook-{Environment.ProcessId}", folder["kind.kubeconfig"]);
        try
        {
            await progress.WriteLineAsync($"cluster {commands.Name}: kind creates it");
            await RunAsync(commands.Create(folder.Write("kind.yaml", KindCommands.Configuration)), cancellationToken);
            var access = await ClusterAccess.OfFileAsync(commands.KubeconfigFile, cancellationToken);
            return new KindCluster(commands, folder, access, await FindHostAddressAsync(cancellationToken));
        }
        catch
        {
            await RunAsync(commands.Delete(), CancellationToken.None);
            await folder.DisposeAsync();
            throw;
        }
    }

    public async Task<string> ProvideImageAsync(TestImage image, CancellationToken cancellationToken)
    {
        if (KindCommands.PublicReferenceOf(image) is { } reference)
            return reference;

        // Our own is nowhere to be pulled from.
        await RunAsync(KindCommands.BuildHookImage(RepositoryRoot.Find()), cancellationToken);
        await RunAsync(_commands.LoadImage(KindCommands.HookImage), cancellationToken);
        return KindCommands.HookImage;
    }

    public async Task SaveLogsAsync(string folder, CancellationToken cancellationToken) =>
        await RunAsync(_commands.ExportLogs(folder), cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await RunAsync(_commands.Delete(), CancellationToken.None);
        await _folder.DisposeAsync();
    }

    // The machine's end of the network that kind puts its nodes into.
    private static async Task<IPAddress> FindHostAddressAsync(CancellationToken cancellationToken) =>
        KindCommands.HostAddressIn(await RunAsync(KindCommands.InspectNetwork(), cancellationToken));

    private static async Task<string> RunAsync(string[] command, CancellationToken cancellationToken) =>
        (await OutsideCommand.RunAsync(command[0], command.Skip(1), cancellationToken)).OutputOfSuccess();

    // A program that is not installed fails like one that says no.
    private static async Task<bool> SucceedsAsync(string[] command, CancellationToken cancellationToken) =>
        (await OutsideCommand.RunAsync(command[0], command.Skip(1), cancellationToken)).Succeeded;
}

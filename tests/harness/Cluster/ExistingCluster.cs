using System.Net;

namespace CapiRegistryHook.Harness.Cluster;

/// <summary>How to reach a cluster that is there already.</summary>
/// <param name="KubeconfigFile">Its kubeconfig; the current context, with a cluster admin's rights.</param>
/// <param name="NodeCommand">A command line that runs the words after it on a node, for example <c>ssh root@node</c>.</param>
/// <param name="HostAddress">Where its pods and nodes reach this machine.</param>
/// <param name="ServiceNetwork">The addresses of its Services.</param>
internal sealed record ExistingClusterSettings(
    string KubeconfigFile, IReadOnlyList<string> NodeCommand, IPAddress HostAddress, string ServiceNetwork)
{
    /// <summary>Reads the settings from the environment.</summary>
    public static ExistingClusterSettings FromEnvironment() => From(Environment.GetEnvironmentVariable);

    /// <summary>Reads the settings; every one that is missing or wrong is named at once.</summary>
    /// <exception cref="ArgumentException">Something is missing or wrong.</exception>
    public static ExistingClusterSettings From(Func<string, string?> variable)
    {
        var problems = new List<string>();
        var kubeconfig = Required("E2E_KUBECONFIG", "the cluster's kubeconfig file");
        var command = Required("E2E_NODE_COMMAND", "a command that runs the words after it on a node, for example 'ssh root@node'");
        var host = Required("E2E_HOST_ADDRESS", "the address at which the cluster's pods reach this machine");
        var network = variable("E2E_SERVICE_NETWORK") is { Length: > 0 } given ? given : "10.96.0.0/16";
        if (!IPAddress.TryParse(host, out var address) && host.Length > 0)
            problems.Add($"E2E_HOST_ADDRESS is '{host}': set it to an IP address.");
        if (!IPNetwork.TryParse(network, out _))
            problems.Add($"E2E_SERVICE_NETWORK is '{network}': set it to the addresses of Services, for example 10.96.0.0/16.");
        if (problems.Count > 0)
            throw new ArgumentException($"{ClusterChoice.Variable} is 'existing'. {string.Join(' ', problems)}");

        return new(kubeconfig, command.Split(' ', StringSplitOptions.RemoveEmptyEntries), address!, network);

        string Required(string name, string meaning)
        {
            if (variable(name) is { Length: > 0 } value)
                return value;

            problems.Add($"{name} is empty: set it to {meaning}.");
            return "";
        }
    }
}

/// <summary>A cluster that somebody else started; it is left running. Its node gets the images made on this machine.</summary>
public sealed class ExistingCluster : IWorkloadCluster
{
    private readonly ScratchFolder _folder;
    private readonly ClusterAccess _access;

    private ExistingCluster(ExistingClusterSettings settings, ScratchFolder folder, ClusterAccess access)
    {
        _folder = folder;
        _access = access;
        ServiceNetwork = settings.ServiceNetwork;
        HostAddress = settings.HostAddress;
        Node = new ClusterNode(settings.NodeCommand);
        Kubeconfig = KubeconfigText.Write(Name, Address, CertificateAuthorityPem, Token);
        KubeconfigFile = folder.Write("kubeconfig", Kubeconfig);
    }

    public string Name => "existing";

    public Uri Address => _access.Server;

    public string CertificateAuthorityPem => _access.CertificateAuthorityPem;

    public string Token => _access.Token!;

    public string Kubeconfig { get; }

    public string KubeconfigFile { get; }

    public string ServiceNetwork { get; }

    public IPAddress HostAddress { get; }

    public ClusterNode Node { get; }

    /// <summary>Connects to the cluster of the settings.</summary>
    internal static async Task<ExistingCluster> ConnectAsync(ExistingClusterSettings settings, CancellationToken cancellationToken)
    {
        var access = await ClusterAccess.OfFileAsync(settings.KubeconfigFile, cancellationToken);
        return new ExistingCluster(settings, ScratchFolder.Create("capi-registry-hook-existing-"), access);
    }

    public Task<string> ProvideImageAsync(TestImage image, CancellationToken cancellationToken) =>
        LocalImages.ImportAsync(Node, image, cancellationToken);

    public async Task SaveLogsAsync(string folder, CancellationToken cancellationToken)
    {
        // What its own programs write is the business of whoever runs it; this much is the same everywhere.
        var nodes = await new Kubectl(KubeconfigFile).RunAsync(cancellationToken, "describe", "nodes");
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(Path.Combine(folder, "nodes.txt"), nodes.Output, cancellationToken);
    }

    public ValueTask DisposeAsync() => _folder.DisposeAsync();
}

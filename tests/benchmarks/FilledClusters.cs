using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.Benchmarks;

/// <summary>
/// Workload clusters whose registries forget what they get, so that they can be filled again and again. They are a process of their own:
/// every byte passes their API servers, which must not take processor time from those that hooks ask.
/// </summary>
internal sealed class FilledClusters : IAsyncDisposable
{
    /// <summary>The section of this program that serves them.</summary>
    public const string Section = "filled-clusters";

    private readonly ChildProcess _process;

    private FilledClusters(ChildProcess process, IReadOnlyList<string> kubeconfigs) => (_process, Kubeconfigs) = (process, kubeconfigs);

    /// <summary>One for each cluster.</summary>
    public IReadOnlyList<string> Kubeconfigs { get; }

    /// <summary>Starts the process.</summary>
    /// <param name="count">How many clusters.</param>
    /// <param name="folder">Where the registries' certificate and key are, as tls.crt and tls.key; kubeconfigs are added.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    public static async Task<FilledClusters> StartAsync(int count, ScratchFolder folder, CancellationToken cancellationToken)
    {
        var process = await ChildProcess.StartCommandAsync(
            Environment.ProcessPath!, Section, folder.Path, count.ToString(CultureInfo.InvariantCulture));
        if (await process.Output.ReadLineAsync(cancellationToken) is null)
            throw new InvalidOperationException(await process.Errors.ReadToEndAsync(cancellationToken));
        return new FilledClusters(
            process, [.. Enumerable.Range(0, count).Select(number => File.ReadAllText(folder[KubeconfigName(number)]))]);
    }

    /// <summary>Bytes of blobs that their registries have received so far.</summary>
    public async Task<long> ReceivedAsync(CancellationToken cancellationToken)
    {
        await _process.Input.WriteLineAsync();
        await _process.Input.FlushAsync(cancellationToken);
        return long.Parse((await _process.Output.ReadLineAsync(cancellationToken))!, CultureInfo.InvariantCulture);
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    /// <summary>The process: tells when it is ready, then answers each line with the bytes received, until there are no more.</summary>
    public static async Task ServeAsync(string folder, int count, CancellationToken cancellationToken)
    {
        using var pem = X509Certificate2.CreateFromPemFile(Path.Combine(folder, "tls.crt"), Path.Combine(folder, "tls.key"));
        using var certificate = X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pfx), null);
        await using var registry = await DiscardingRegistry.StartAsync(certificate, cancellationToken);
        foreach (var number in Enumerable.Range(0, count))
        {
            var server = await EmbeddedApiServer.StartAsync($"f{number}", cancellationToken);
            await InstallAsync(server, registry.Address.Port, cancellationToken);
            await File.WriteAllTextAsync(Path.Combine(folder, KubeconfigName(number)), server.Kubeconfig, cancellationToken);
        }

        Console.WriteLine("ready");
        while (await Console.In.ReadLineAsync(cancellationToken) is not null)
            Console.WriteLine(registry.Received.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>Gives a cluster what a push looks for, and a way to the registry.</summary>
    public static async Task InstallAsync(EmbeddedApiServer server, int port, CancellationToken cancellationToken)
    {
        const string Namespace = "registry-system";
        server.LeadPod(Namespace, "registry-0", port);
        using var admin = new AdminClient(server);
        await admin.CreateAsync("/api/v1/namespaces", Named(Namespace), cancellationToken);
        var stateful = Named("registry");
        stateful["spec"] = new JsonObject { ["replicas"] = 1 };
        await admin.CreateAsync($"/apis/apps/v1/namespaces/{Namespace}/statefulsets", stateful, cancellationToken);
        var service = Named("registry-primary");
        service["spec"] = new JsonObject { ["selector"] = new JsonObject { ["statefulset.kubernetes.io/pod-name"] = "registry-0" } };
        await admin.CreateAsync($"/api/v1/namespaces/{Namespace}/services", service, cancellationToken);
    }

    private static JsonObject Named(string name) => new() { ["metadata"] = new JsonObject { ["name"] = name } };

    private static string KubeconfigName(int number) => $"kubeconfig-{number}";
}

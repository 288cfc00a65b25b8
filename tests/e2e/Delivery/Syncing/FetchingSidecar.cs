using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Charts;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Registry.Logins;

namespace CapiRegistryHook.EndToEnd.Tests.Delivery.Syncing;

/// <summary>
/// The sidecar of a site's registry: the script and the configuration that the chart renders, with other addresses and paths, and the
/// stand-in for regsync. In place of a kubelet the test writes the files of the Secret.
/// </summary>
internal sealed class FetchingSidecar : IAsyncDisposable
{
    public const string Secret = "registry-sources";

    private readonly ScratchFolder _folder = ScratchFolder.Create("capi-registry-hook-fetch-");
    private readonly CancellationTokenSource _end = new();
    private readonly SiteCluster _cluster;
    private Task _kubelet = Task.CompletedTask;
    private ContainerProgram? _program;

    private FetchingSidecar(SiteCluster cluster) => _cluster = cluster;

    public string Log => _program?.LogTail() ?? "";

    /// <summary>Says in a workload cluster that its registry fetches by itself, as the StatefulSet of the chart does.</summary>
    public static async Task AllowAsync(SiteCluster cluster, CancellationToken cancellationToken)
    {
        using var admin = new AdminClient(cluster.Api);
        var volumes = new JsonArray(new JsonObject { ["secret"] = new JsonObject { ["secretName"] = Secret } });
        await admin.MergePatchAsync("/apis/apps/v1/namespaces/registry-system/statefulsets", "registry", new JsonObject
        {
            ["spec"] = new JsonObject
            {
                ["template"] = new JsonObject { ["spec"] = new JsonObject { ["volumes"] = volumes } },
            },
        }, cancellationToken);
    }

    /// <summary>The Secret with what a registry fetches; null for nothing.</summary>
    public static async Task<JsonObject?> FindAsync(SiteCluster cluster, CancellationToken cancellationToken)
    {
        using var admin = new AdminClient(cluster.Api);
        return await admin.FindAsync(AdminClient.Secrets("registry-system"), Secret, cancellationToken);
    }

    /// <param name="cluster">The cluster.</param>
    /// <param name="login">The login of its registry.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<FetchingSidecar> StartAsync(
        SiteCluster cluster, RegistryLogin login, CancellationToken cancellationToken)
    {
        var sidecar = new FetchingSidecar(cluster);
        var folder = sidecar._folder;
        Directory.CreateDirectory(folder["declared"]);
        Directory.CreateDirectory(folder["ca"]);
        Directory.CreateDirectory(folder["auth"]);
        folder.Write("auth/username", login.UserName);
        folder.Write("auth/password", login.Password);
        folder.Write("ca/ca.crt", cluster.RootPem);
        var objects = await new HelmProgram("helm3").ObjectsAsync(
            ChartFolder.Open("registry").Path, cancellationToken, "--set", "replicas=1,sync.pull=true,auth.htpasswd.secretName=users");
        foreach (var (name, text) in objects.One("ConfigMap", "registry-sync")["data"]!.AsObject())
            folder.Write(name, sidecar.Here((string)text!).Replace("pause 10", "pause 1", StringComparison.Ordinal));
        var programs = await ContainerProgram.ProgramsAsync(folder["bin"],
            ("regsync", Path.Combine(RepositoryRoot.Find(), "tests", "harness", "Cluster", "regsync-standin.sh")),
            ("skopeo", await TestTools.PathOfAsync("skopeo")), ("openssl", await TestTools.PathOfAsync("openssl")));
        sidecar._program = await ContainerProgram.StartAsync(folder["sync.sh"], folder["sidecar.log"], new Dictionary<string, string>
        {
            ["POD_NAME"] = "registry-0", ["FOLDER"] = folder.Path, ["DECLARED"] = folder["declared"], ["FILLED"] = folder["filled"],
            ["INTERVAL"] = "1s", ["LOG_LEVEL"] = "info", ["METRICS_PORT"] = "", ["WORK"] = folder["work"],
        }, programs);
        sidecar._kubelet = Task.Run(() => sidecar.FollowAsync(sidecar._end.Token), CancellationToken.None);
        return sidecar;
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _kubelet.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_program is not null)
            await _program.DisposeAsync();
        await _folder.DisposeAsync();
        _end.Dispose();
    }

    /// <summary>Keeps the files as the Secret says, each written at once.</summary>
    private async Task FollowAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var data = (await FindAsync(_cluster, cancellationToken))?["data"]?.AsObject() ?? [];
            foreach (var file in Directory.GetFiles(_folder["declared"]).Where(file => !data.ContainsKey(Path.GetFileName(file))))
                File.Delete(file);
            // What a part names is there before it.
            foreach (var (name, value) in data.OrderBy(entry => entry.Key.EndsWith(".yml", StringComparison.Ordinal)))
            {
                var text = Here(System.Text.Encoding.UTF8.GetString(Convert.FromBase64String((string)value!)));
                File.Move(_folder.Write("file.new", text), Path.Combine(_folder["declared"], name), overwrite: true);
            }

            await Task.Delay(200, cancellationToken);
        }
    }

    private string Here(string text) => text
        .Replace("127.0.0.1:5000", $"127.0.0.1:{_cluster.Replicas[0].Port}", StringComparison.Ordinal)
        .Replace("/etc/regsync/declared", _folder["declared"], StringComparison.Ordinal)
        .Replace("/etc/regsync/auth", _folder["auth"], StringComparison.Ordinal)
        .Replace("/etc/regsync/tls", _folder["ca"], StringComparison.Ordinal);
}

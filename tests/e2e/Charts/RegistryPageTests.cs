using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CapiRegistryHook.EndToEnd.Tests.Cluster;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Charts;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests.Charts;

/// <summary>Every command of docs/registry.md, run from the page on a cluster with a node.</summary>
[Collection(OnOneNode.Name)]
public sealed partial class RegistryPageTests(SharedCluster shared) : IAsyncLifetime
{
    private const string Users = "sync:$2y$04$BNBIYuVEj778RH.DRflmf..x8ms56QAYsVbC.KGKsSekulTEoRr5C\n";
    private const string Values =
        """{"replicas": 2, "delete": {"enabled": true}, "garbageCollection": {"enabled": true}, "storage": {"size": "SIZE"}}""";

    private readonly DocumentationPage _page = DocumentationPage.Read("docs/registry.md");
    private readonly HashSet<string> _typed = [];

    private RegistryRelease _release = null!;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await using (var kubectl = await KubectlProgram.ForAsync(await shared.GetAsync(), CancellationToken))
            await kubectl.InstallDefinitionsAsync(CancellationToken);
        _release = await RegistryRelease.PrepareAsync(shared, HelmProgram.Namespace, CancellationToken);
        await _release.InstallAsync(Values.Replace("SIZE", "100Mi", StringComparison.Ordinal), CancellationToken);
    }

    public ValueTask DisposeAsync() => _release.DisposeAsync();

    [Fact]
    public async Task Commands_OfThePage_DoWhatItSays()
    {
        await PushAsync("helm3");
        await PushAsync("helm4");
        await GrowAsync();
        await ReplaceReplicaAsync();
        await DeleteAndCollectAsync();
        await LogInAsync();
        await RunInlineAsync();

        Assert.Equal(
            _page.Blocks.Where(block => block.Language == "sh").Select(block => block.Text).Order(StringComparer.Ordinal),
            _typed.Order(StringComparer.Ordinal));
    }

    private async Task PushAsync(string helm)
    {
        await using var shell = await OpenShellAsync(helm);
        var blocks = Commands("Push");
        await RepeatAsync(shell, blocks[0] + blocks[1]);

        await using var primary = await _release.ToPrimaryAsync(CancellationToken);
        (await _release.Client(primary).PullAsync("library/app:1.0", CancellationToken)).OutputOfSuccess();
        Assert.Contains("application/vnd.cncf.helm.config", (await _release.Client(primary).RawAsync("charts/app:1.0.0", CancellationToken))
            .OutputOfSuccess(), StringComparison.Ordinal);
    }

    private async Task GrowAsync()
    {
        // A class whose provisioner could grow volumes.
        await _release.KubectlAsync(CancellationToken, "patch", "storageclass/standard", "--patch", """{"allowVolumeExpansion": true}""");
        var pods = await UidsAsync();
        await using var shell = await OpenShellAsync("helm3");
        await RunAsync(shell, Assert.Single(Commands("Replicas and storage")));
        await _release.KubectlAsync(CancellationToken, "patch", "storageclass/standard", "--patch", """{"allowVolumeExpansion": null}""");
        await _release.InstallAsync(Values.Replace("SIZE", "200Gi", StringComparison.Ordinal), CancellationToken);

        Assert.Equal(pods, await UidsAsync());
        Assert.Equal("200Gi", await _release.KubectlAsync(CancellationToken, "get", "statefulset/registry",
            "--output=jsonpath={.spec.volumeClaimTemplates[0].spec.resources.requests.storage}"));
    }

    private async Task ReplaceReplicaAsync()
    {
        var digest = await DigestAsync();
        var before = await UidsAsync();
        await using var shell = await OpenShellAsync("helm3");
        var blocks = Commands("When replica 0 lost its volume or its node");
        await RunAsync(shell, blocks[0]);

        // Its StatefulSet makes the next one when it sees that the pod is gone.
        await Polling.UntilAsync("another registry-0", async () =>
            await _release.KubectlAsync(CancellationToken, "get", "pod/registry-0", "--ignore-not-found",
                "--output=jsonpath={.metadata.uid}") is { Length: > 0 } uid && uid != before[0], () => "", CancellationToken);
        await _release.WaitForImageAsync(0, "library/app:1.0", digest, credentials: null, CancellationToken);
        await _release.KubectlAsync(CancellationToken, "exec", "registry-0", "--container=regsync", "--", "sh", "-c", "rm \"$FILLED\"");
        await RunAsync(shell, blocks[1]);
        await _release.KubectlAsync(CancellationToken, "exec", "registry-0", "--container=regsync", "--", "sh", "-c", "cat \"$FILLED\"");
    }

    private async Task DeleteAndCollectAsync()
    {
        await using var shell = await OpenShellAsync("helm3");
        await RepeatAsync(shell, Commands("Push")[0]);
        var blocks = Commands("Delete and collect garbage");
        await RepeatAsync(shell, blocks[0]);
        await using (var replica = _release.ToReplica(0))
            Assert.False((await _release.Client(replica).InspectAsync("library/app:1.0", CancellationToken)).Succeeded);

        var lines = blocks[1].Split('\n', StringSplitOptions.RemoveEmptyEntries);
        await RunAsync(shell, lines[0]);
        // This kubectl does not know the CronJobs of Kubernetes 1.20 any more; everything else is the page's.
        Assert.StartsWith("kubectl -n registry-system create job --from=cronjob/registry-gc now ", lines[1], StringComparison.Ordinal);
        await _release.StartCollectionAsync("now", CancellationToken);
        var log = await RunAsync(shell, string.Join('\n', lines[2..]));
        Assert.Contains("registry-1: ", log, StringComparison.Ordinal);
        Assert.Contains("collected", log, StringComparison.Ordinal);
    }

    private async Task LogInAsync()
    {
        await using var shell = await OpenShellAsync("helm3");
        var blocks = Commands("Logins");
        shell.Write("htpasswd", Users);
        await RunAsync(shell, "SYNC_PASSWORD=letmein\n" + blocks[0]);
        Assert.Equal("letmein", await _release.ReadSecretAsync("registry-users", "password", CancellationToken));

        using var admin = new AdminClient(await shared.GetAsync());
        await admin.DeleteIfThereAsync(AdminClient.Secrets("default"), "c1-registry-addon-login", CancellationToken);
        await admin.DeleteIfThereAsync(AdminClient.Clusters("default"), "c1", CancellationToken);
        await admin.CreateAsync(AdminClient.Clusters("default"), TestEnvironment.NewCluster("c1"), CancellationToken);
        await admin.CreateAsync(AdminClient.Secrets("default"), new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = "c1-registry-addon-login" },
            ["stringData"] = new JsonObject { ["username"] = "registry-1", ["password"] = "letmein" },
        }, CancellationToken);
        Assert.Equal("registry-1letmein", await RunAsync(shell, blocks[1]));
        await RunAsync(shell, blocks[2]);
        var annotations = (await admin.GetAsync(AdminClient.Clusters("default"), "c1", CancellationToken))["metadata"]!["annotations"]!;
        Assert.NotEqual("", (string)annotations["capi-registry-hook.io/rotate-password"]!);
        await admin.DeleteIfThereAsync(AdminClient.Secrets("default"), "c1-registry-addon-login", CancellationToken);
        await admin.DeleteIfThereAsync(AdminClient.Clusters("default"), "c1", CancellationToken);
    }

    /// <summary>Those in sentences and tables.</summary>
    private async Task RunInlineAsync()
    {
        var text = await File.ReadAllTextAsync(Path.Combine(RepositoryRoot.Find(), _page.Path), CancellationToken);
        var commands = Inline().Matches(text).Select(match => match.Groups[1].Value).ToArray();
        await using var shell = await OpenShellAsync("helm3");
        foreach (var command in commands)
            await RunAsync(shell, command);

        Assert.Equal(3, commands.Length);
        Assert.Equal(64, (await _release.ReadSecretAsync("registry-http", "httpSecret", CancellationToken)).Length);
    }

    [GeneratedRegex("`(kubectl -n [^`]+)`")]
    private static partial Regex Inline();

    private IReadOnlyList<string> Commands(string heading)
    {
        var blocks = _page.CommandsUnder(heading);
        _typed.UnionWith(blocks);
        return blocks;
    }

    /// <summary>What the page says to do when kubectl gave up: all of it again.</summary>
    private static async Task RepeatAsync(DocumentationShell shell, string commands)
    {
        for (var left = 5; left > 0; left--)
        {
            if ((await TryAsync(shell, commands)).ExitCode == 0)
                return;
        }

        await RunAsync(shell, commands);
    }

    private static async Task<string> RunAsync(DocumentationShell shell, string commands)
    {
        var run = await TryAsync(shell, commands);
        Assert.True(run.ExitCode == 0, $"{commands}\n{run.Errors}{run.Output}");
        return run.Output;
    }

    /// <summary>
    /// Runs commands with an /etc/hosts of their own, on a free port instead of 5000; what they started in the background ends with them.
    /// </summary>
    private static Task<ProgramRun> TryAsync(DocumentationShell shell, string commands)
    {
        var port = LoopbackPort.Find();
        foreach (var place in (string[])["127.0.0.1:{0}", ".local:{0}", " {0}:443", " {0}:5000"])
            commands = commands.Replace(place.Replace("{0}", "5000", StringComparison.Ordinal),
                place.Replace("{0}", $"{port}", StringComparison.Ordinal), StringComparison.Ordinal);
        shell.Write("hosts", "127.0.0.1 localhost\n");
        shell.Write("typed.sh", $$"""
            set -m
            trap 'for job in $(jobs -p); do kill -- "-$job"; done' EXIT
            mount --bind hosts /etc/hosts
            {{commands}}
            """);
        return shell.TryAsync("unshare --mount bash -euo pipefail typed.sh", CancellationToken);
    }

    private async Task<DocumentationShell> OpenShellAsync(string helm)
    {
        var shell = new DocumentationShell();
        shell.Write(".kube/config", _release.Kubeconfig);
        shell.Write(".config/containers/policy.json", """{"default": [{"type": "insecureAcceptAnything"}]}""");
        shell.AddProgram("kubectl", await TestTools.PathOfAsync("kubectl"));
        shell.AddProgram("skopeo", await TestTools.PathOfAsync("skopeo"));
        shell.AddProgram("helm", await TestTools.PathOfAsync(helm));
        shell.AddScript("sudo", "exec \"$@\"");
        shell.Write("app/Chart.yaml", "{apiVersion: v2, name: app, version: 1.0.0}");
        await shell.RunAsync("helm package app", CancellationToken);
        File.Move(SmallImage.Write(Path.GetDirectoryName(shell["app"])!, "app"), shell["app.tar"]);
        return shell;
    }

    private async Task<string> DigestAsync()
    {
        await using var primary = await _release.ToPrimaryAsync(CancellationToken);
        var inspected = await _release.Client(primary).InspectAsync("library/app:1.0", CancellationToken);
        return (string)JsonNode.Parse(inspected.OutputOfSuccess())!["Digest"]!;
    }

    private async Task<string[]> UidsAsync() => (await _release.KubectlAsync(CancellationToken, "get", "pods/registry-0", "pods/registry-1",
        "--output=jsonpath={.items[*].metadata.uid}")).Split(' ');
}

using System.Formats.Tar;
using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.EndToEnd.Tests.Charts;
using CapiRegistryHook.EndToEnd.Tests.Cluster;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Cluster;
using CapiRegistryHook.Registry.Logins;

namespace CapiRegistryHook.EndToEnd.Tests.Delivery;

/// <summary>Content on its way through a real API server and kubelet into a registry of the chart, and from there onto a node.</summary>
[Collection(OnOneNode.Name)]
public sealed class RealClusterTests(SharedCluster shared)
{
    private const string Image = "docker.io/test/delivered";
    private const string Hosts = "/etc/containerd/delivery-certs.d";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Push_ToARegistryOfTheChart_NodePullsByTagAndDigest_AndTheOtherCommandsAgree()
    {
        await using var release = await RegistryRelease.PrepareAsync(shared, "registry-system", Cancelled);
        await release.InstallAsync(Values(""), Cancelled);
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        await site.AddClusterAsync("real", release.RootPem, Cancelled);
        await site.WriteKubeconfigAsync("real", release.Kubeconfig, Cancelled);
        var images = new LayoutImages(site.Folder["layout"], seed: 1);
        var digest = images.Add($"{Image}:1", Layer());
        string[] target = ["--cluster", "default/real", .. site.Access];

        var first = await RunAsync(site, ["push", images.Folder, "--wait", "--wait-timeout", "2m", "-o", "json", .. target]);
        var second = await RunAsync(site, ["push", images.Folder, "--wait", "-o", "json", .. target]);
        Assert.True((long)JsonNode.Parse(first)!["registries"]![0]!["bytesSent"]! > 0);
        Assert.Equal(0, (long)JsonNode.Parse(second)!["registries"]![0]!["bytesSent"]!);
        await PullOnNodeAsync(release, digest);

        Assert.Contains(digest, await RunAsync(site, ["list", .. target]), StringComparison.Ordinal);
        await RunAsync(site, ["pull", $"{Image}:1", "-f", site.Folder["back.tar"], .. target]);
        Assert.Contains("complete", await RunAsync(site, ["verify-content", site.Folder["back.tar"], .. target]), StringComparison.Ordinal);
        await using (var forward = await RunningForward.StartAsync(site, "default/real", Cancelled))
        {
            var skopeo = new Skopeo($"127.0.0.1:{forward.Port}", await File.ReadAllTextAsync(forward.Authority, Cancelled));
            (await skopeo.PullAsync("test/delivered:1", Cancelled)).OutputOfSuccess();
            Assert.Equal(0, await forward.EndAsync(Cancelled));
        }

        Assert.Contains("removed from 2 replicas", await RunAsync(site, ["remove", $"test/delivered@{digest}", .. target]),
            StringComparison.Ordinal);
        var gone = await site.RunAsync(Cancelled, ["verify-content", site.Folder["back.tar"], .. target]);
        Assert.Equal(1, gone.ExitCode);
        await DeployWithALoginAsync(release, site, images.Folder);
    }

    /// <summary>The collection is the chart's own Job, and what it freed is looked for in the registry.</summary>
    [Fact]
    public async Task Prune_ARegistryOfTheChart_CollectsAndFreesWhatNobodyNeeds()
    {
        await using var release = await RegistryRelease.PrepareAsync(shared, "registry-system", Cancelled);
        await release.InstallAsync(
            """{"replicas": 1, "delete": {"enabled": true}, "garbageCollection": {"enabled": true}}""", Cancelled);
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        await site.AddClusterAsync("real", release.RootPem, Cancelled);
        await site.WriteKubeconfigAsync("real", release.Kubeconfig, Cancelled);
        var images = new LayoutImages(site.Folder["layout"], seed: 2);
        images.Add("docker.io/test/kept:1", images.Random(100_000));
        images.Add("docker.io/test/unneeded:1", images.Random(1_000_000));
        string[] target = ["--cluster", "default/real", .. site.Access];
        await RunAsync(site, ["push", images.Folder, .. target]);

        var pruned = JsonNode.Parse(await RunAsync(site, ["prune", "--yes", "--keep", "test/kept:*", "-o", "json", .. target]))!;
        var again = JsonNode.Parse(await RunAsync(site, ["prune", "--keep", "test/kept:*", "-o", "json", .. target]))!;

        var report = pruned["registries"]![0]!;
        Assert.Equal("test/unneeded", (string)Assert.Single(report["removed"]!.AsArray())!["repository"]!);
        Assert.True((bool)report["collected"]!);
        Assert.True((long)report["freedBytes"]! is > 1_000_000 and < 1_100_000, report.ToJsonString());
        Assert.Empty(again["registries"]![0]!["removed"]!.AsArray());
        await RunAsync(site, ["pull", "docker.io/test/kept:1", "-f", site.Folder["kept.tar"], .. target]);
        Assert.Contains(
            "complete", await RunAsync(site, ["bundle", "verify", site.Folder["kept.tar"]]), StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>The registry asks for a login from now on, which the cluster's generated one is.</summary>
    private static async Task DeployWithALoginAsync(RegistryRelease release, EmbeddedSite site, string layout)
    {
        var login = RegistryLogin.Generate();
        await release.CreateSecretAsync("users", Cancelled, ("htpasswd", login.Htpasswd), ("username", login.UserName),
            ("password", login.Password));
        await release.InstallAsync(Values(""" "auth": {"htpasswd": {"secretName": "users"}} """), Cancelled);
        site.Folder.Write("values.yaml", "name: deployed\n");
        Directory.CreateDirectory(site.Folder["chart/templates"]);
        site.Folder.Write("chart/Chart.yaml", "apiVersion: v2\nname: hello\nversion: 1.0.0\n");
        site.Folder.Write("chart/templates/deployment.yaml", $$$"""
            apiVersion: apps/v1
            kind: Deployment
            metadata: { name: "{{ .Values.name }}" }
            spec:
              replicas: 0
              selector: { matchLabels: { app: hello } }
              template:
                metadata: { labels: { app: hello } }
                spec: { containers: [{ name: hello, image: "{{{Image}}}:1" }] }
            """);
        var packed = await TestTools.PathOfAsync("helm4");
        await ProgramRun.OutputOfAsync(packed, ["package", site.Folder["chart"], "-d", site.Folder["packed"]], Cancelled);
        string[] target = ["--cluster", "default/real", "--username", login.UserName, "--password-stdin", .. site.Access];
        string[] deploy = ["deploy", site.Folder["packed/hello-1.0.0.tgz"], "--namespace", release.Namespace, "-f",
            site.Folder["values.yaml"], "--helm", packed, .. target];

        var refused = await site.RunWithInputAsync("wrong\n", Cancelled, deploy);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("check the login for default/real", refused.Errors, StringComparison.Ordinal);
        var pushed = await site.RunWithInputAsync($"{login.Password}\n", Cancelled, ["push", layout, .. target]);
        Assert.True(pushed.ExitCode == 0, pushed.Errors);
        var deployed = await site.RunWithInputAsync($"{login.Password}\n", Cancelled, deploy);
        Assert.True(deployed.ExitCode == 0, deployed.Errors + deployed.Output);
        Assert.DoesNotContain(login.Password, deployed.Output + deployed.Errors, StringComparison.Ordinal);
        (await release.Kubectl.RunAsync(Cancelled, "--namespace", release.Namespace, "get", "deployment", "deployed")).OutputOfSuccess();
        var listed = await site.RunWithInputAsync($"{login.Password}\n", Cancelled,
            ["list", "charts/hello", .. target]);
        Assert.Contains("1.0.0", listed.Output, StringComparison.Ordinal);
    }

    private static string Values(string more) => $$"""
        {"service": {"clusterIPs": ["{{RegistryRelease.PullAddress}}"]}, "delete": {"enabled": true}{{(more is "" ? "" : $", {more}")}} }
        """;

    private static async Task PullOnNodeAsync(RegistryRelease release, string digest)
    {
        await release.Node.WriteFileAsync($"{Hosts}/docker.io/ca.crt", release.RootPem, Cancelled);
        await release.Node.WriteFileAsync($"{Hosts}/docker.io/hosts.toml", $"""
            [host."https://{RegistryRelease.PullAddress}"]
              capabilities = ["pull", "resolve"]
              ca = "{Hosts}/docker.io/ca.crt"
            """, Cancelled);
        try
        {
            await release.Node.WaitForPortAsync(RegistryRelease.PullAddress, 443, Cancelled);
            foreach (var reference in new[] { $"{Image}:1", $"{Image}@{digest}" })
            {
                (await release.Node.PullAsync(reference, Cancelled, Hosts)).OutputOfSuccess();
                await release.Node.RemoveImageAsync(reference, Cancelled);
            }
        }
        finally
        {
            await release.Node.RemoveAsync(Hosts, CancellationToken.None);
        }
    }

    private static async Task<string> RunAsync(EmbeddedSite site, string[] arguments)
    {
        var run = await site.RunAsync(Cancelled, arguments);
        Assert.True(run.ExitCode == 0, $"{arguments[0]}: {run.Errors}{run.Output}");
        return run.Output;
    }

    private static byte[] Layer()
    {
        using var stream = new MemoryStream();
        using (var tar = new TarWriter(stream, TarEntryFormat.Ustar, leaveOpen: true))
            tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, "delivered")
            {
                DataStream = new MemoryStream(Encoding.UTF8.GetBytes("delivered")), ModificationTime = DateTimeOffset.UnixEpoch,
            });
        return stream.ToArray();
    }
}

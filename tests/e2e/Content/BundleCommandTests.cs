using System.Formats.Tar;
using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Content.Charts;
using CapiRegistryHook.Content.Copying;
using CapiRegistryHook.Content.Layouts;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests.Content;

/// <summary>The published program makes bundles from a real registry and charts that the real Helm renders.</summary>
public sealed class BundleCommandTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("helm3")]
    [InlineData("helm4")]
    public async Task Create_ChartWithValues_BringsItsImagesAndSaysWhy(string helm)
    {
        await using var registry = await StartAsync("shop/web", "shop/job", "shop/annotated", "shop/locked", "listed");
        WriteChart(registry);
        Write(registry, "lists/kubeadm.txt", $"# printed by a tool\n{registry.Name}/listed:1.0\n");
        Write(registry, "content.yaml", $$"""
            images: ["{{registry.Name}}/shop/web:1.0"]
            imageLists: [lists/kubeadm.txt]
            charts: [{ chart: chart, values: [values/site.yaml] }]
            """);

        var created = await RunAsync("bundle", "create", "-f", registry.Folder["content.yaml"], "-o", registry.Folder["site.tar"],
            "--ca-file", registry.Folder["certs/ca.crt"], "--helm", await TestTools.PathOfAsync(helm), "--why");

        Assert.Equal((0, ""), (created.ExitCode, created.Errors));
        Assert.Contains($"{registry.Name}/shop/web:1.0\n  chart shop 1.0.0: Deployment web: spec.template.spec.containers[0].image "
            + "(shop/templates/web.yaml)\n  images\n", created.Output, StringComparison.Ordinal);
        Assert.Contains("  chart shop 1.0.0: CronJob job: ", created.Output, StringComparison.Ordinal);
        Assert.Contains("annotated:1.0\n  chart shop 1.0.0: annotation artifacthub.io/images\n", created.Output, StringComparison.Ordinal);
        Assert.Contains("locked:1.0\n  chart shop 1.0.0: Images.lock\n", created.Output, StringComparison.Ordinal);
        Assert.Contains("listed:1.0\n  imageLists: lists/kubeadm.txt\n", created.Output, StringComparison.Ordinal);
        Assert.Contains("localhost/charts/shop:1.0.0\n  charts: chart\n", created.Output, StringComparison.Ordinal);
        Assert.Contains("site.tar: 5 images, 1 chart; ", created.Output, StringComparison.Ordinal);

        var verified = await RunAsync("bundle", "verify", registry.Folder["site.tar"], "-o", "json");
        Assert.Equal(0, verified.ExitCode);
        Assert.True((bool)JsonNode.Parse(verified.Output)!["complete"]!);
        await registry.SkopeoAsync(["copy", "--preserve-digests", $"oci-archive:{registry.Folder["site.tar"]}:{registry.Name}/shop/job:1.0",
            $"dir:{registry.Folder["pulled"]}"], Cancelled);
    }

    [Fact]
    public async Task Create_ChartOfARegistry_IsTakenInItsNewestReleaseWithItsImages()
    {
        await using var registry = await StartAsync("shop/web", "shop/job", "shop/annotated", "shop/locked");
        WriteChart(registry);
        var helm = await TestTools.PathOfAsync("helm3");
        await ProgramRun.OutputOfAsync(helm, ["package", registry.Folder["chart"], "-d", registry.Folder["packed"]], Cancelled);
        using (var packed = ChartSource.Open(registry.Folder["packed/shop-1.0.0.tgz"]))
        {
            var item = new CopyItem("shop", packed, packed.Root, "charts-of-team/shop", packed.Tag);
            Assert.Empty((await ContentCopy.RunAsync(registry.Client, [item], new CopyOptions(), Cancelled)).Failures);
        }

        Write(registry, "content.yaml",
            $"charts: [{{ chart: oci://{registry.Name}/charts-of-team/shop, values: [values/site.yaml] }}]\n");

        var created = await CreateAsync(registry, "site.tar", "--helm", helm);
        var inspected = await RunAsync("bundle", "inspect", registry.Folder["site.tar"], "-o", "json");

        Assert.Equal((0, ""), (created.ExitCode, created.Errors));
        var chart = JsonNode.Parse(inspected.Output)!["content"]!.AsArray().Single(entry => (string?)entry!["kind"] == "chart")!;
        Assert.Equal($"{registry.Name}/charts-of-team/shop:1.0.0", (string?)chart["name"]);
        Assert.Equal(
            (await registry.Client.ResolveAsync("charts-of-team/shop", "1.0.0", Cancelled))!.Digest.ToString(), (string?)chart["digest"]);
    }

    [Fact]
    public async Task Create_WithAnOlderBundle_LeavesItsBlobsOut()
    {
        await using var registry = await StartAsync("one", "two");
        Write(registry, "content.yaml", $"images: [{registry.Name}/one:1.0]\n");
        Assert.Equal(0, (await CreateAsync(registry, "old.tar")).ExitCode);
        Write(registry, "content.yaml", $"images: [{registry.Name}/one:1.0, {registry.Name}/two:1.0]\n");
        var created = await CreateAsync(registry, "new.tar", "--base", registry.Folder["old.tar"]);

        Assert.Equal((0, ""), (created.ExitCode, created.Errors));
        Assert.Contains("2 images; 2 blobs, ", created.Output, StringComparison.Ordinal);
        Assert.Contains("2 blobs, ", created.Output.Split(';')[2], StringComparison.Ordinal);
        var verified = await RunAsync("bundle", "verify", registry.Folder["new.tar"]);
        Assert.Equal(0, verified.ExitCode);
        Assert.Contains("It needs an older bundle for 2 blobs.", verified.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Create_AfterAFailure_FetchesTheRestAlone()
    {
        await using var registry = await RealRegistry.StartAsync(Cancelled);
        var images = new LayoutImages(registry.Folder["layout"], seed: 4);
        byte[][] layers = [.. Enumerable.Range(0, 12).Select(_ => images.Random(1 << 20))];
        images.Add("docker.io/test/large:1.0", layers);
        Assert.Equal(0, (await RunAsync("push", images.Folder, "--registry", registry.Name, "--ca-file", registry.Folder["certs/ca.crt"]))
            .ExitCode);
        Write(registry, "content.yaml", $"images: [{registry.Name}/test/large:1.0]\n");
        // Blobs are read in order of their digests, four at once.
        var last = layers.Select(layer => Digest.Compute(layer)).MaxBy(digest => digest.ToString(), StringComparer.Ordinal);
        var data = registry.Folder[$"storage/docker/registry/v2/blobs/sha256/{last.Hex[..2]}/{last.Hex}/data"];
        File.Move(data, registry.Folder["away"]);
        var failed = await CreateAsync(registry, "site.tar");
        File.Move(registry.Folder["away"], data);
        var before = File.ReadLines(registry.Folder["registry.log"]).Count();
        var created = await CreateAsync(registry, "site.tar");

        Assert.Equal(1, failed.ExitCode);
        Assert.Contains("site.tar.partial has what was fetched: run the command again", failed.Errors, StringComparison.Ordinal);
        Assert.Equal((0, ""), (created.ExitCode, created.Errors));
        Assert.Equal(0, (await RunAsync("bundle", "verify", registry.Folder["site.tar"])).ExitCode);
        Assert.False(File.Exists(registry.Folder["site.tar.partial"]));
        var requests = File.ReadLines(registry.Folder["registry.log"]).Skip(before).ToList();
        var fetched = layers.Select(layer => $"/blobs/{Digest.Compute(layer)}")
            .Count(path => requests.Exists(line => line.Contains(path, StringComparison.Ordinal)));
        // Those that were cut off, and what the registry logged late of the first run.
        Assert.InRange(fetched, 1, 6);
    }

    [Fact]
    public async Task Create_FromArchives_AsksNoRegistryForWhatTheyHave()
    {
        await using var registry = await StartAsync("unused");
        var images = new LayoutImages(registry.Folder["layout"], seed: 9);
        var digest = images.Add("nowhere.invalid/app:1.0", Layer("app"));
        await registry.SkopeoAsync(["copy", $"oci:{images.Folder}:nowhere.invalid/app:1.0",
            $"docker-archive:{registry.Folder["saved.tar"]}:nowhere.invalid/saved:1.0"], Cancelled);
        Write(registry, "content.yaml", $"""
            archives: [layout, saved.tar]
            images: ["nowhere.invalid/app:1.0", "nowhere.invalid/app@{digest}"]

            """);

        var created = await CreateAsync(registry, "site.tar", "--why");

        Assert.Equal((0, ""), (created.ExitCode, created.Errors));
        Assert.Contains("nowhere.invalid/app:1.0\n  archives: layout\n  images\n", created.Output, StringComparison.Ordinal);
        Assert.Contains("nowhere.invalid/saved:1.0\n  archives: saved.tar\n", created.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Create_SeveralMissingThings_NamesThemAllAndWritesNothing()
    {
        await using var registry = await StartAsync("one");
        Write(registry, "content.yaml", $$"""
            images: ["{{registry.Name}}/one:1.0", "{{registry.Name}}/missing:1.0"]
            imageLists: [nolist.txt]
            charts: [{ chart: nochart }]
            """);

        var created = await CreateAsync(registry, "site.tar", "--helm", await TestTools.PathOfAsync("helm3"));

        Assert.Equal((1, ""), (created.ExitCode, created.Output));
        Assert.Contains($"{registry.Name}/missing:1.0 does not exist (wanted by images).", created.Errors, StringComparison.Ordinal);
        Assert.Contains("nolist.txt can't be read.", created.Errors, StringComparison.Ordinal);
        Assert.Contains("nochart does not exist.", created.Errors, StringComparison.Ordinal);
        Assert.False(File.Exists(registry.Folder["site.tar"]));
    }

    [Fact]
    public async Task Create_ChartWithoutHelm_SaysWhatToInstall()
    {
        await using var registry = await StartAsync("one");
        WriteChart(registry);
        Write(registry, "content.yaml", "charts: [{ chart: chart }]\n");

        var created = await CreateAsync(registry, "site.tar", "--helm", registry.Folder["no-helm"]);

        Assert.Equal(1, created.ExitCode);
        Assert.Contains("install Helm 3 or 4, or name the program with --helm", created.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verify_DamagedBundle_NamesTheBlob()
    {
        await using var registry = await StartAsync("one");
        Write(registry, "content.yaml", $"images: [{registry.Name}/one:1.0]\n");
        Assert.Equal(0, (await CreateAsync(registry, "site.tar")).ExitCode);
        var bytes = await File.ReadAllBytesAsync(registry.Folder["site.tar"], Cancelled);
        bytes[bytes.AsSpan().IndexOf("content of one"u8)] ^= 1;
        await File.WriteAllBytesAsync(registry.Folder["site.tar"], bytes, Cancelled);

        var verified = await RunAsync("bundle", "verify", registry.Folder["site.tar"]);

        Assert.Equal((1, ""), (verified.ExitCode, verified.Output));
        Assert.Contains("is corrupt: its digest is", verified.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[1, 2]", "is not one YAML mapping")]
    [InlineData("image: [nginx]", "unknown field 'image'")]
    [InlineData("images: nginx", "is not a list")]
    [InlineData("images: ['nginx:1.0:2.0']", "is not an image reference")]
    [InlineData("charts: [{ chart: a, verison: 1.0.0 }]", "unknown field 'verison'")]
    [InlineData("platforms: ['linux']", "platform")]
    [InlineData("a: &a [1]\nb: &b [*a, *a]\nimages: *b", "content.yaml")]
    public async Task Create_MalformedList_IsRefusedWithASentence(string yaml, string sentence)
    {
        await using var folder = ScratchFolder.Create("capi-registry-hook-bundle-");
        folder.Write("content.yaml", yaml);

        var run = await RunAsync("bundle", "create", "-f", folder["content.yaml"], "-o", folder["site.tar"]);

        Assert.Contains(sentence, run.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Errors, StringComparison.Ordinal);
        Assert.Equal((2, ""), (run.ExitCode, run.Output));
    }

    private static async Task<RealRegistry> StartAsync(params string[] repositories)
    {
        var registry = await RealRegistry.StartAsync(Cancelled);
        var images = new LayoutImages(registry.Folder["images"], seed: 1);
        foreach (var repository in repositories)
            images.Add($"upstream.test/{repository}:1.0", Layer(repository));
        using var source = await ContentArchive.OpenAsync(images.Folder, Cancelled);
        var items = source.Names
            .Select(name => new CopyItem(name.Name!.ToString(), source, name.Descriptor, name.Name.Repository, name.Name.Tag)).ToList();
        Assert.Empty((await ContentCopy.RunAsync(registry.Client, items, new CopyOptions(), Cancelled)).Failures);
        return registry;
    }

    private static void WriteChart(RealRegistry registry)
    {
        Write(registry, "chart/Chart.yaml", $$"""
            apiVersion: v2
            name: shop
            version: 1.0.0
            annotations:
              artifacthub.io/images: |
                - name: annotated
                  image: {{registry.Name}}/shop/annotated:1.0
            """);
        Write(registry, "chart/Images.lock", $$"""
            apiVersion: v0
            kind: ImagesLock
            images:
              - name: locked
                image: {{registry.Name}}/shop/locked:1.0
            """);
        Write(registry, "chart/values.yaml", "web: nowhere.invalid/shop/web:0.1\n");
        Write(registry, "chart/templates/web.yaml", """
            apiVersion: apps/v1
            kind: Deployment
            metadata: { name: web }
            spec:
              selector: { matchLabels: { app: web } }
              template:
                metadata: { labels: { app: web } }
                spec:
                  containers:
                    - name: web
                      image: {{ .Values.web | quote }}
            """);
        Write(registry, "chart/templates/job.yaml", $$"""
            apiVersion: batch/v1
            kind: CronJob
            metadata: { name: job }
            spec:
              schedule: "@daily"
              jobTemplate:
                spec:
                  template:
                    spec:
                      restartPolicy: Never
                      containers: [{ name: job, image: "{{registry.Name}}/shop/job:1.0" }]
            """);
        Write(registry, "values/site.yaml", $"web: {registry.Name}/shop/web:1.0\n");
    }

    private static void Write(RealRegistry registry, string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(registry.Folder[name])!);
        registry.Folder.Write(name, text);
    }

    private static Task<ProgramRun> CreateAsync(RealRegistry registry, string bundle, params string[] more) =>
        RunAsync(["bundle", "create", "-f", registry.Folder["content.yaml"], "-o", registry.Folder[bundle],
            "--ca-file", registry.Folder["certs/ca.crt"], .. more]);

    private static Task<ProgramRun> RunAsync(params string[] arguments) =>
        ProgramRun.RunAsync(HookService.ProgramPath(), arguments, Cancelled,
            environment: new Dictionary<string, string?> { ["DOCKER_CONFIG"] = "/nonexistent" });

    private static byte[] Layer(string text)
    {
        using var stream = new MemoryStream();
        using (var tar = new TarWriter(stream, TarEntryFormat.Ustar, leaveOpen: true))
            tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, "file")
            {
                DataStream = new MemoryStream(Encoding.UTF8.GetBytes($"content of {text}")), ModificationTime = DateTimeOffset.UnixEpoch,
            });
        return stream.ToArray();
    }
}

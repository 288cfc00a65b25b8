using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Charts;
using CapiRegistryHook.Harness.Cluster;

namespace CapiRegistryHook.EndToEnd.Tests.Charts;

/// <summary>What the scripts of a garbage collection do to a real registry and its files, without a cluster.</summary>
public sealed class CollectionScriptTests : IAsyncLifetime
{
    private readonly ScratchFolder _folder = ScratchFolder.Create("capi-registry-hook-collection-");
    private readonly ServerIdentity _identity = ServerIdentity.Create([], ["127.0.0.1"]);
    private readonly string _address = $"127.0.0.1:{LoopbackPort.Find()}";
    private string _programs = "";

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    private string Repositories => Path.Combine(_folder["data"], "docker", "registry", "v2", "repositories");

    public async ValueTask InitializeAsync()
    {
        _programs = await ContainerProgram.ProgramsAsync(_folder["bin"], ("registry", await TestTools.PathOfAsync("docker-registry")));
        _folder.Write("tls.crt", _identity.CertificatePem);
        _folder.Write("tls.key", _identity.KeyPem);
        _folder.Write("config.yml", $$"""
            version: 0.1
            storage: { delete: { enabled: true }, filesystem: { rootdirectory: {{_folder["data"]}} } }
            http: { addr: "{{_address}}", draintimeout: 1s, tls: { certificate: {{_folder["tls.crt"]}}, key: {{_folder["tls.key"]}} } }
            """);
    }

    public ValueTask DisposeAsync() => _folder.DisposeAsync();

    [Fact]
    public async Task Collect_NothingAskedForOrNothingThere_ServesWithoutAWord()
    {
        Assert.Equal("", await CollectAsync("garbage-collection", ""));
        Assert.Equal("one collected", await CollectAsync("garbage-collection", "one"));
    }

    /// <summary>Each run collects once, also when the pod restarts; the next run collects again.</summary>
    [Fact]
    public async Task Collect_SameRunAgain_TellsWhatItDidAndDoesNothing()
    {
        await PushAsync("one", "two");
        var layers = Blobs();
        Untag("one");
        Assert.Equal("first collected", await CollectAsync("garbage-collection", "first"));
        Assert.Equal(layers - 3, Blobs());
        Untag("two");

        Assert.Equal("first collected", await CollectAsync("garbage-collection", "first"));
        Assert.Equal(layers - 3, Blobs());
        Assert.Equal("second collected", await CollectAsync("garbage-collection", "second"));
        Assert.Equal(0, Blobs());
    }

    /// <summary>The registry has to serve all the same, so the container succeeds; the Job reads the cause.</summary>
    [Fact]
    public async Task Collect_ThatFails_LeavesTheCauseAndLetsTheRegistryServe()
    {
        await PushAsync("one");
        foreach (var blob in Directory.GetFiles(Path.Combine(Repositories, "..", "blobs"), "data", SearchOption.AllDirectories))
            await File.WriteAllTextAsync(blob, "{", CancellationToken);

        var message = await CollectAsync("garbage-collection", "run");

        Assert.StartsWith("run failed: failed to garbage collect: failed to mark: ", message, StringComparison.Ordinal);
        Assert.Equal(message, await CollectAsync("garbage-collection", "run"));
    }

    /// <summary>A repository that was pushed to by digest alone makes the collection of untagged manifests fail for ever, unless it gets
    /// a folder of tags.</summary>
    [Fact]
    public async Task Collect_UntaggedWithARepositoryThatNeverHadATag_RemovesItAndKeepsTheRest()
    {
        await PushAsync("one", "two");
        Directory.Delete(Path.Combine(Repositories, "library", "one", "_manifests", "tags"), recursive: true);

        Assert.Equal("run collected", await CollectAsync("garbage-collection-untagged", "run"));

        Assert.Equal(3, Blobs());
        Assert.Equal("next collected", await CollectAsync("garbage-collection-untagged", "next"));
    }

    /// <summary>A replica that a killed Job left read-only ends by itself; the kubelet starts it again, and then it takes pushes.</summary>
    [Fact]
    public async Task Serve_ReadOnlyUntilATime_IsWritableAfterIt()
    {
        var script = _folder.Write("serve.sh", await ScriptAsync("garbage-collection-shared", "registry"));
        var client = new Skopeo(_address, _identity.RootPem);
        var image = SmallImage.Write(_folder.Path, "one");

        await using (var readOnly = await StartAsync(script, TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() + 15, "read-only.log"))
        {
            await Polling.UntilAsync("the registry", () => Task.FromResult(readOnly.Said("listening on")), readOnly.LogTail,
                CancellationToken);
            var refused = await client.PushAsync(image, "library/app:1", CancellationToken);
            Assert.Contains("405", refused.Errors, StringComparison.Ordinal);
            await Polling.UntilAsync("the end of the window", () => Task.FromResult(readOnly.HasExited), readOnly.LogTail,
                CancellationToken);
        }

        await using var writable = await StartAsync(script, TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() - 1, "writable.log");
        await Polling.UntilAsync("the registry", () => Task.FromResult(writable.Said("listening on")), writable.LogTail,
            CancellationToken);
        (await client.PushAsync(image, "library/app:1", CancellationToken)).OutputOfSuccess();
    }

    private Task<ContainerProgram> StartAsync(string script, long until, string log) =>
        ContainerProgram.StartAsync(script, _folder[log], new Dictionary<string, string> { ["READ_ONLY_UNTIL"] = $"{until}" }, _programs);

    /// <summary>Runs the container that collects, which has to succeed, and returns its termination message.</summary>
    private async Task<string> CollectAsync(string name, string run)
    {
        var script = _folder.Write("collect.sh", await ScriptAsync(name, "collect"));
        _folder.Write("message", "");
        var environment = new Dictionary<string, string> { ["REQUESTED"] = run, ["MARK"] = _folder["mark"] };
        var ended = await ContainerProgram.RunAsync(environment, _programs, CancellationToken, "sh", script);
        Assert.True(ended.ExitCode == 0, ended.Output + ended.Errors);
        return await File.ReadAllTextAsync(_folder["message"], CancellationToken);
    }

    private async Task<string> ScriptAsync(string name, string container)
    {
        var chart = ChartFolder.Open("registry");
        var objects = await new HelmProgram("helm3").ObjectsAsync(chart.Path, CancellationToken, "--values",
            chart.File($"ci/{name}-values.yaml"));
        var pod = objects.One("StatefulSet", "registry")["spec"]!["template"]!.AsObject();
        var script = (string)pod.Containers().Single(entry => (string)entry["name"]! == container)["command"]![2]!;
        return script
            .Replace("/etc/distribution/config.yml", _folder["config.yml"], StringComparison.Ordinal)
            .Replace("/var/lib/registry", _folder["data"], StringComparison.Ordinal)
            .Replace("/dev/termination-log", _folder["message"], StringComparison.Ordinal);
    }

    private async Task PushAsync(params string[] names)
    {
        await using var registry = await LocalRegistry.StartAsync(_folder["config.yml"], _folder["registry.log"], CancellationToken);
        foreach (var name in names)
            (await new Skopeo(_address, _identity.RootPem).PushAsync(SmallImage.Write(_folder.Path, name), $"library/{name}:1",
                CancellationToken)).OutputOfSuccess();
    }

    /// <summary>What a client's delete does.</summary>
    private void Untag(string name) => Directory.Delete(Path.Combine(Repositories, "library", name, "_manifests"), recursive: true);

    private int Blobs() => Directory.GetFiles(Path.Combine(Repositories, "..", "blobs"), "data", SearchOption.AllDirectories).Length;
}

using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Registry.Clients;
using CapiRegistryHook.Registry.Contents;
using CapiRegistryHook.Unit.Tests.Kubernetes;

namespace CapiRegistryHook.Unit.Tests.Registry.Clients;

/// <summary>The Secret with what a registry fetches by itself: it is there only while something is, and nobody else's is touched.</summary>
public sealed class RegistrySourcesTests : IAsyncLifetime
{
    private const string Name = "registry-sources";

    private static readonly ContentKey Base = new("team-a", "base");
    private static readonly ContentKey Other = new("team-b", "base");

    private EmbeddedApiServer _server = null!;
    private AdminClient _admin = null!;
    private KubernetesClient _client = null!;

    private static string Secrets => AdminClient.Secrets("registry-system");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await EmbeddedApiServer.StartAsync("workload", Cancelled);
        _admin = new AdminClient(_server);
        await _admin.CreateAsync("/api/v1/namespaces", Named("registry-system"), Cancelled);
        _client = new KubernetesClient(Kubeconfig.Parse(Encoding.UTF8.GetBytes(_server.Kubeconfig), context: null, TimeProvider.System),
            ClientFixture.Quick, TimeProvider.System);
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        _admin.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task SetAsync_FilesOfTwoContents_LieSideBySideUntilNoneIsLeft()
    {
        var sources = await ReadAsync();
        Assert.True(sources.IsEmpty);
        await sources.SetAsync(Base, Files("one", password: "secret"), Cancelled);
        await sources.SetAsync(Other, Files("other"), Cancelled);
        Assert.Equal(["team-a.base.password=secret", "team-a.base.yml=one", "team-b.base.yml=other"], await LiveAsync());

        // Another process goes on: what a content no longer has goes, and the same again is not written.
        var next = await ReadAsync();
        Assert.False(next.IsEmpty);
        await next.SetAsync(Base, Files("two"), Cancelled);
        Assert.Equal(["team-a.base.yml=two", "team-b.base.yml=other"], await LiveAsync());
        var version = await VersionAsync();
        await next.SetAsync(Base, Files("two"), Cancelled);
        await next.RetainAsync([Base, Other], Cancelled);
        Assert.Equal(version, await VersionAsync());

        await next.RetainAsync([Other], Cancelled);
        Assert.Equal(["team-b.base.yml=other"], await LiveAsync());
        await next.RetainAsync([], Cancelled);
        Assert.True(next.IsEmpty);
        Assert.Null(await _admin.FindAsync(Secrets, Name, Cancelled));
        await next.RetainAsync([], Cancelled);
        await next.SetAsync(Base, Files("three"), Cancelled);
        Assert.Equal(["team-a.base.yml=three"], await LiveAsync());
    }

    [Fact]
    public async Task SetAsync_ForeignSecret_IsRefusedAndStays()
    {
        var foreign = Named(Name);
        foreign["data"] = new JsonObject { ["key"] = Convert.ToBase64String("theirs"u8) };
        await _admin.CreateAsync(Secrets, foreign, Cancelled);
        var sources = await ReadAsync();

        var refusal = await Assert.ThrowsAsync<ClusterRegistryException>(() => sources.SetAsync(Base, Files("one"), Cancelled));
        await sources.RetainAsync([], Cancelled);

        Assert.Equal(
            "The Secret registry-system/registry-sources on the workload cluster is not ours; delete or rename it.", refusal.Message);
        Assert.Equal(["key=theirs"], await LiveAsync());
        Assert.True(sources.IsEmpty);
    }

    [Fact]
    public async Task SetAsync_MoreThanASecretHolds_IsRefusedAndLeavesTheOthers()
    {
        var sources = await ReadAsync();
        await sources.SetAsync(Base, Files(new string('a', 600_000)), Cancelled);
        await sources.SetAsync(Base, Files(new string('b', 600_000)), Cancelled);

        var refusal = await Assert.ThrowsAsync<ClusterRegistryException>(
            () => sources.SetAsync(Other, Files(new string('c', 500_000)), Cancelled));

        Assert.Equal("There is more to fetch than the Secret registry-system/registry-sources holds; deliver some contents with Push.",
            refusal.Message);
        Assert.StartsWith("team-a.base.yml=bbb", Assert.Single(await LiveAsync()), StringComparison.Ordinal);
    }

    private Task<RegistrySources> ReadAsync() => RegistrySources.ReadAsync(_client, Cancelled);

    private async Task<string[]> LiveAsync()
    {
        var data = (await _admin.GetAsync(Secrets, Name, Cancelled))["data"]!.AsObject();
        return [.. data.Select(entry => $"{entry.Key}={Encoding.UTF8.GetString(Convert.FromBase64String((string)entry.Value!))}").Order()];
    }

    private async Task<string> VersionAsync() =>
        (string)(await _admin.GetAsync(Secrets, Name, Cancelled))["metadata"]!["resourceVersion"]!;

    private static Dictionary<string, byte[]> Files(string part, string? password = null)
    {
        var files = new Dictionary<string, byte[]> { [RegistrySources.PartFile] = Encoding.UTF8.GetBytes(part) };
        if (password is not null)
            files[RegistrySources.PasswordFile] = Encoding.UTF8.GetBytes(password);
        return files;
    }

    private static JsonObject Named(string name) => new() { ["metadata"] = new JsonObject { ["name"] = name } };
}

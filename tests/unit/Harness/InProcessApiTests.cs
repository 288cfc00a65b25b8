using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Unit.Tests.Harness;

public sealed class InProcessApiTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 5, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly NamespacedName Name = new("default", "a");

    private readonly FixedTime _time = new(Now);
    private readonly InProcessApi _api;
    private readonly KubernetesClient _client;

    public InProcessApiTests()
    {
        _api = new InProcessApi(new Uri("https://management.test"), _time, "default");
        var connection = new ClusterConnection { Server = _api.Address, Credentials = new StaticToken(_api.Token) };
        _client = new KubernetesClient(
            connection, new KubernetesClientOptions { CreateHandler = _ => _api.CreateHandler(), MaxAttempts = 1 }, TimeProvider.System);
    }

    public void Dispose() => _client.Dispose();

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Create_Read_Patch_Delete_AreWhatTheyAreOnAServer()
    {
        var created = await _client.CreateAsync(CoreResources.Secrets, Secret(), "tests", CancellationToken);
        var patched = await _client.MergePatchAsync(
            CoreResources.Secrets, Name, new JsonObject { ["data"] = new JsonObject { ["k"] = "Mg==" } }, "tests", CancellationToken);
        var again = await Assert.ThrowsAsync<KubernetesApiException>(
            () => _client.CreateAsync(CoreResources.Secrets, Secret(), "tests", CancellationToken));
        await _client.DeleteAsync(CoreResources.Secrets, Name, new DeleteOptions(), CancellationToken);

        Assert.Equal(Now, created.Metadata.CreationTimestamp);
        Assert.Equal("2"u8.ToArray(), patched.Data!["k"]);
        Assert.Equal(KubernetesFault.AlreadyExists, again.Fault);
        Assert.Null(await _client.FindAsync(CoreResources.Secrets, Name, CancellationToken));
        Assert.Equal(5, _api.CallCount);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Create_Dropped_IsAFault_AndDoneOrNot(bool afterWork)
    {
        var dropped = false;
        _api.InjectFault(_ => !dropped && (dropped = true) ? afterWork ? Fault.DropAfter() : Fault.DropBefore() : null);

        var failure = await Assert.ThrowsAsync<KubernetesApiException>(
            () => _client.CreateAsync(CoreResources.Secrets, Secret(), "tests", CancellationToken));

        Assert.Equal(KubernetesFault.Unreachable, failure.Fault);
        Assert.False(failure.NeverSent);
        Assert.Equal(afterWork, await _client.FindAsync(CoreResources.Secrets, Name, CancellationToken) is not null);
    }

    private static Secret Secret() => new()
    {
        Metadata = new ObjectMeta { Namespace = Name.Namespace, Name = Name.Name },
        Data = new Dictionary<string, byte[]> { ["k"] = "1"u8.ToArray() },
    };
}

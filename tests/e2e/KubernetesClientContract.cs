using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Clusters;
using CapiRegistryHook.Kubernetes.Leases;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>
/// What the client relies on in any API server. The embedded and the real one run the same tests, so that the embedded one can't drift.
/// </summary>
public abstract class KubernetesClientContract : IAsyncLifetime
{
    private const string Me = "client-tests";

    private readonly string _ns = $"client-{Guid.NewGuid():N}";
    private KubernetesClient _client = null!;

    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var server = await StartAsync();
        // Generous limits: these tests are about answers, and the machine may be busy with other tests.
        KubernetesClientOptions options = new() { CallTimeout = TimeSpan.FromSeconds(20), TotalTimeout = TimeSpan.FromSeconds(60) };
        _client = new KubernetesClient(
            CapiRegistryHook.Kubernetes.Connection.Kubeconfig.Parse(Encoding.UTF8.GetBytes(server.Kubeconfig), null, TimeProvider.System),
            options, TimeProvider.System);
        await _client.CreateAsync(CoreResources.Namespaces, new Namespace { Metadata = new() { Name = _ns } }, Me, Cancel);
    }

    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task CreateAsync_NewSecret_IsStoredAndFound()
    {
        var secret = NewSecret("one", ("a", "1")) with { Type = "Opaque" };
        var created = await _client.CreateAsync(CoreResources.Secrets, secret, Me, Cancel);
        Assert.NotNull(created.Metadata.Uid);
        Assert.NotNull(created.Metadata.ResourceVersion);
        Assert.NotNull(created.Metadata.CreationTimestamp);
        var read = await _client.GetAsync(CoreResources.Secrets, Name("one"), Cancel);
        Assert.Equal(created.Metadata.ResourceVersion, read.Metadata.ResourceVersion);
        Assert.Equal("1"u8.ToArray(), read.Data!["a"]);
        Assert.Equal("Opaque", (await _client.FindAsync(CoreResources.Secrets, Name("one"), Cancel))!.Type);
    }

    [Fact]
    public async Task GetAsync_Missing_IsNotFoundAndFindIsNull()
    {
        var failure = await FailureAsync(() => _client.GetAsync(CoreResources.Secrets, Name("missing"), Cancel));
        Assert.Equal((KubernetesFault.NotFound, 404, "NotFound"), (failure.Fault, failure.StatusCode, failure.Reason));
        Assert.Null(await _client.FindAsync(CoreResources.Secrets, Name("missing"), Cancel));
        Assert.Null(await _client.FindAsync(CoreResources.Secrets, new("no-such-namespace", "missing"), Cancel));
    }

    [Fact]
    public async Task FindAsync_KindMissing_Throws()
    {
        ResourceType<Secret> unknown = new("nowhere.example", "v1", "things", "Thing", true, CoreResources.Secrets.Json);
        Assert.Equal(KubernetesFault.NotFound, (await FailureAsync(() => _client.FindAsync(unknown, Name("one"), Cancel))).Fault);
    }

    [Fact]
    public async Task CreateAsync_NamespaceMissing_IsNotFound()
    {
        var secret = NewSecret("one") with { Metadata = new() { Name = "one", Namespace = "no-such-namespace" } };
        Assert.Equal(
            KubernetesFault.NotFound, (await FailureAsync(() => _client.CreateAsync(CoreResources.Secrets, secret, Me, Cancel))).Fault);
        Assert.Equal(
            KubernetesFault.NotFound,
            (await FailureAsync(() => _client.ServerSideApplyAsync(CoreResources.Secrets, secret, new(Me, true), Cancel))).Fault);
    }

    [Fact]
    public async Task CreateAsync_Twice_IsAlreadyExistsAndChangesNothing()
    {
        await _client.CreateAsync(CoreResources.Secrets, NewSecret("one", ("a", "1")), Me, Cancel);
        var failure = await FailureAsync(() => _client.CreateAsync(CoreResources.Secrets, NewSecret("one", ("a", "2")), Me, Cancel));
        Assert.Equal((KubernetesFault.AlreadyExists, 409), (failure.Fault, failure.StatusCode));
        Assert.Equal("1"u8.ToArray(), (await _client.GetAsync(CoreResources.Secrets, Name("one"), Cancel)).Data!["a"]);
    }

    [Fact]
    public async Task CreateAsync_ManyAtOnce_OneWins()
    {
        var won = await Task.WhenAll(Enumerable.Range(0, 8).Select(async i =>
        {
            try
            {
                await _client.CreateAsync(CoreResources.Secrets, NewSecret("one", ("by", $"{i}")), Me, Cancel);
                return true;
            }
            catch (KubernetesApiException failure) when (failure.Fault == KubernetesFault.AlreadyExists)
            {
                return false;
            }
        }));
        Assert.Single(won, true);
    }

    [Fact]
    public async Task CreateAsync_InvalidName_IsInvalid() => Assert.Equal(
        KubernetesFault.Invalid,
        (await FailureAsync(() => _client.CreateAsync(CoreResources.Secrets, NewSecret("Not_A_Name"), Me, Cancel))).Fault);

    [Fact]
    public async Task ServerSideApplyAsync_CreateUpdateAndRepeat_ChangesOnlyWhatDiffers()
    {
        var created = await ApplyAsync(NewSecret("one", ("a", "1"), ("b", "1")));
        var repeated = await ApplyAsync(NewSecret("one", ("a", "1"), ("b", "1")));
        Assert.Equal(created.Metadata.ResourceVersion, repeated.Metadata.ResourceVersion);
        var updated = await ApplyAsync(NewSecret("one", ("a", "2"), ("b", "1")));
        Assert.NotEqual(created.Metadata.ResourceVersion, updated.Metadata.ResourceVersion);
        Assert.Equal(created.Metadata.Uid, updated.Metadata.Uid);
        var removed = await ApplyAsync(NewSecret("one", ("a", "2")));
        Assert.Equal(["a"], removed.Data!.Keys);
    }

    [Fact]
    public async Task ServerSideApplyAsync_FieldOfAnotherManager_ConflictsUnlessForced()
    {
        await ApplyAsync(NewSecret("one", ("a", "1")));
        var other = NewSecret("one", ("a", "2"));
        var failure = await FailureAsync(
            () => _client.ServerSideApplyAsync(CoreResources.Secrets, other, new ApplyOptions("another", Force: false), Cancel));
        Assert.Equal((KubernetesFault.Conflict, 409), (failure.Fault, failure.StatusCode));
        var forced = await _client.ServerSideApplyAsync(CoreResources.Secrets, other, new ApplyOptions("another", Force: true), Cancel);
        Assert.Equal("2"u8.ToArray(), forced.Data!["a"]);
    }

    [Fact]
    public async Task ServerSideApplyAsync_OtherFieldsOfAnotherManager_AreKept()
    {
        await _client.CreateAsync(CoreResources.Secrets, NewSecret("one", ("theirs", "1")), "another", Cancel);
        var applied = await ApplyAsync(NewSecret("one", ("mine", "1")));
        Assert.Equal(["mine", "theirs"], applied.Data!.Keys.Order());
    }

    [Fact]
    public async Task ServerSideApplyAsync_StaleVersion_IsConflict()
    {
        var first = await ApplyAsync(NewSecret("one", ("a", "1")));
        var second = await ApplyAsync(NewSecret("one", ("a", "2")));
        var stale = NewSecret("one", ("a", "3"));
        stale = stale with { Metadata = stale.Metadata with { ResourceVersion = first.Metadata.ResourceVersion } };
        Assert.Equal(KubernetesFault.Conflict, (await FailureAsync(() => ApplyAsync(stale))).Fault);
        await ApplyAsync(stale with { Metadata = stale.Metadata with { ResourceVersion = second.Metadata.ResourceVersion } });
    }

    [Fact]
    public async Task MergePatchAsync_Fields_AreSetAndRemoved()
    {
        var created = await _client.CreateAsync(CoreResources.Secrets, NewSecret("one", ("a", "1"), ("b", "1")), Me, Cancel);
        JsonObject patch = new() { ["data"] = new JsonObject { ["a"] = null },
            ["metadata"] = new JsonObject { ["labels"] = new JsonObject { ["l"] = "v" } } };
        var patched = await _client.MergePatchAsync(CoreResources.Secrets, Name("one"), patch, Me, Cancel);
        Assert.Equal(["b"], patched.Data!.Keys);
        Assert.Equal("v", patched.Metadata.Labels!["l"]);
        Assert.Equal(KubernetesFault.Conflict,
            (await FailureAsync(() => _client.MergePatchAsync(
                CoreResources.Secrets, created, new JsonObject { ["metadata"] = new JsonObject { ["labels"] = null } }, Me, Cancel)))
                .Fault);
        Assert.Empty((await _client.MergePatchAsync(
            CoreResources.Secrets, patched, new JsonObject { ["data"] = null }, Me, Cancel)).Data ?? new Dictionary<string, byte[]>());
        Assert.Equal(KubernetesFault.NotFound,
            (await FailureAsync(() => _client.MergePatchAsync(CoreResources.Secrets, Name("missing"), [], Me, Cancel))).Fault);
    }

    [Fact]
    public async Task ListAsync_PagesAndSelectors_FindEachObjectOnce()
    {
        for (var i = 0; i < 5; i++)
            await _client.CreateAsync(CoreResources.Secrets, Labelled(NewSecret($"s{i}"), i % 2 == 0 ? "even" : "odd"), Me, Cancel);
        Assert.Equal(
            ["s0", "s1", "s2", "s3", "s4"], await NamesAsync(new ListOptions { Namespace = _ns, PageSize = 2, LabelSelector = "kind" }));
        Assert.Equal(["s1", "s3"], await NamesAsync(new ListOptions { Namespace = _ns, PageSize = 1, LabelSelector = "kind=odd" }));
        Assert.Equal(
            ["s0", "s2", "s4"], await NamesAsync(new ListOptions { Namespace = _ns, LabelSelector = "kind in (even,prime),kind!=odd" }));
        Assert.Equal(["s3"], await NamesAsync(new ListOptions { Namespace = _ns, FieldSelector = "metadata.name=s3" }));
        Assert.Empty(await NamesAsync(new ListOptions { Namespace = "no-such-namespace" }));
        Assert.Contains("s3", await NamesAsync(new ListOptions { LabelSelector = "kind=odd" }));
    }

    [Fact]
    public async Task DeleteAsync_Preconditions_AreKept()
    {
        var created = await _client.CreateAsync(CoreResources.Secrets, NewSecret("one"), Me, Cancel);
        var failure = await FailureAsync(() => DeleteAsync(new DeleteOptions { Uid = Guid.NewGuid().ToString() }));
        Assert.Equal((KubernetesFault.Conflict, 409), (failure.Fault, failure.StatusCode));
        var changed = await _client.MergePatchAsync(
            CoreResources.Secrets, Name("one"), new JsonObject { ["data"] = new JsonObject { ["a"] = "MQ==" } }, Me, Cancel);
        Assert.Equal(
            KubernetesFault.Conflict,
            (await FailureAsync(() => DeleteAsync(new DeleteOptions { ResourceVersion = created.Metadata.ResourceVersion }))).Fault);
        await DeleteAsync(new DeleteOptions
        {
            Uid = changed.Metadata.Uid,
            ResourceVersion = changed.Metadata.ResourceVersion,
        });
        Assert.Null(await _client.FindAsync(CoreResources.Secrets, Name("one"), Cancel));
        Assert.False(await _client.DeleteIfExistsAsync(CoreResources.Secrets, Name("one"), new DeleteOptions(), Cancel));
        Assert.Equal(KubernetesFault.NotFound, (await FailureAsync(() => DeleteAsync(new DeleteOptions()))).Fault);
    }

    [Fact]
    public async Task WatchAsync_Changes_AreSeenInOrder()
    {
        await _client.CreateAsync(CoreResources.Secrets, Labelled(NewSecret("one"), "watched"), Me, Cancel);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        await using var watch = _client
            .WatchAsync(CoreResources.Secrets, new ListOptions { Namespace = _ns, LabelSelector = "kind=watched" }, limit.Token)
            .GetAsyncEnumerator(limit.Token);
        Assert.Equal("Reset ", await NextAsync(watch));
        Assert.Equal("Added one", await NextAsync(watch));
        Assert.Equal("Synced ", await NextAsync(watch));
        await _client.CreateAsync(CoreResources.Secrets, NewSecret("unseen"), Me, Cancel);
        await _client.CreateAsync(CoreResources.Secrets, Labelled(NewSecret("two"), "watched"), Me, Cancel);
        Assert.Equal("Added two", await NextAsync(watch));
        await _client.MergePatchAsync(
            CoreResources.Secrets, Name("two"), new JsonObject { ["data"] = new JsonObject { ["a"] = "MQ==" } }, Me, Cancel);
        Assert.Equal("Modified two", await NextAsync(watch));
        await DeleteAsync(new DeleteOptions());
        Assert.Equal("Deleted one", await NextAsync(watch));
        // Out of the selector is gone for this watch.
        await _client.MergePatchAsync(
            CoreResources.Secrets, Name("two"),
            new JsonObject { ["metadata"] = new JsonObject { ["labels"] = new JsonObject { ["kind"] = null } } }, Me, Cancel);
        Assert.Equal("Deleted two", await NextAsync(watch));
    }

    [Fact]
    public async Task WatchAsync_SilentTooLong_ResumesWithoutLossOrReset()
    {
        var server = await StartAsync();
        KubernetesClientOptions options = new() { CallTimeout = TimeSpan.FromSeconds(20), TotalTimeout = TimeSpan.FromSeconds(60),
            WatchIdleTimeout = TimeSpan.FromMilliseconds(50) };
        using KubernetesClient impatient = new(
            CapiRegistryHook.Kubernetes.Connection.Kubeconfig.Parse(Encoding.UTF8.GetBytes(server.Kubeconfig), null, TimeProvider.System),
            options, TimeProvider.System);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        List<string> seen = [];
        await foreach (var change in impatient.WatchAsync(
            CoreResources.Secrets, new ListOptions { Namespace = _ns, FieldSelector = "metadata.name=one" }, limit.Token))
        {
            seen.Add($"{change.Kind}");
            if (change.Kind == WatchEventKind.Synced)
                await _client.CreateAsync(CoreResources.Secrets, NewSecret("one"), Me, Cancel);
            else if (change.Kind is WatchEventKind.Added or WatchEventKind.Modified && seen.Count < 8)
                await _client.MergePatchAsync(CoreResources.Secrets, Name("one"),
                    new JsonObject { ["data"] = new JsonObject { [$"k{seen.Count}"] = "MQ==" } }, Me, Cancel);
            else if (seen.Count >= 8)
                break;
        }

        Assert.Equal(["Reset", "Synced", "Added", "Modified", "Modified", "Modified", "Modified", "Modified"], seen);
    }

    /// <summary>Pages and objects that are larger than the client reads, as fat objects of one tenant make them.</summary>
    [Fact]
    public async Task ListAsync_LargePagesAndObjects_FindsAllThatCanBeRead()
    {
        var server = await StartAsync();
        KubernetesClientOptions options = new() { CallTimeout = TimeSpan.FromSeconds(20), TotalTimeout = TimeSpan.FromSeconds(60),
            MaxResponseBytes = 64 * 1024 };
        using KubernetesClient small = new(
            CapiRegistryHook.Kubernetes.Connection.Kubeconfig.Parse(Encoding.UTF8.GetBytes(server.Kubeconfig), null, TimeProvider.System),
            options, TimeProvider.System);
        for (var i = 0; i < 12; i++)
            await _client.CreateAsync(
                CoreResources.Secrets, Labelled(NewSecret($"f{i:00}", ("a", new string('x', i is 3 or 7 ? 100_000 : 15_000))), "fat"),
                Me, Cancel);
        ListOptions fat = new() { Namespace = _ns, LabelSelector = "kind=fat" };
        List<string?> names = [];
        List<string?> leftOut = [];

        await foreach (var secret in small.ListAsync(
            CoreResources.Secrets, fat with { OnTooLarge = metadata => leftOut.Add(metadata.Name) }, Cancel))
            names.Add(secret.Metadata.Name);
        Assert.Equal(["f00", "f01", "f02", "f04", "f05", "f06", "f08", "f09", "f10", "f11"], names);
        Assert.Equal(["f03", "f07"], leftOut);

        var failure = await FailureAsync(async () => await small.ListAsync(CoreResources.Secrets, fat, Cancel).LastAsync(Cancel));
        Assert.Contains($"secrets {_ns}/f03:", failure.Message, StringComparison.Ordinal);
        Assert.Equal(2, (await small.ListFirstAsync(CoreResources.Secrets, fat, 2, Cancel)).Count);
    }

    [Fact]
    public async Task MetadataOnly_LargeObjects_AreReadListedAndWatched()
    {
        var server = await StartAsync();
        KubernetesClientOptions options = new() { CallTimeout = TimeSpan.FromSeconds(20), TotalTimeout = TimeSpan.FromSeconds(60),
            MaxResponseBytes = 64 * 1024 };
        using KubernetesClient small = new(
            CapiRegistryHook.Kubernetes.Connection.Kubeconfig.Parse(Encoding.UTF8.GetBytes(server.Kubeconfig), null, TimeProvider.System),
            options, TimeProvider.System);
        var headers = CoreResources.Secrets with { MetadataOnly = true };
        await _client.CreateAsync(CoreResources.Secrets, Labelled(NewSecret("one", ("a", new string('x', 100_000))), "fat"), Me, Cancel);

        var read = await small.GetAsync(headers, Name("one"), Cancel);
        Assert.Equal(("one", "fat", null), (read.Metadata.Name, read.Metadata.Labels!["kind"], read.Data));
        Assert.NotNull(read.Metadata.ResourceVersion);

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        await using var watch = small.WatchAsync(headers, new ListOptions { Namespace = _ns, LabelSelector = "kind=fat" }, limit.Token)
            .GetAsyncEnumerator(limit.Token);
        Assert.Equal("Reset ", await NextAsync(watch));
        Assert.Equal("Added one", await NextAsync(watch));
        Assert.Equal("Synced ", await NextAsync(watch));
        await _client.CreateAsync(CoreResources.Secrets, Labelled(NewSecret("two", ("a", new string('x', 100_000))), "fat"), Me, Cancel);
        Assert.Equal("Added two", await NextAsync(watch));
        Assert.Null(watch.Current.Value!.Data);
        await DeleteAsync(new DeleteOptions());
        Assert.Equal("Deleted one", await NextAsync(watch));
    }

    [Fact]
    public async Task LeaseLock_TwoContenders_OneHoldsUntilItLetsGo()
    {
        LeaseLock first = new(_client, Name("lock"), "first", TimeSpan.FromMinutes(10), TimeProvider.System);
        LeaseLock second = new(_client, Name("lock"), "second", TimeSpan.FromMinutes(10), TimeProvider.System);
        Assert.True(await first.TryAcquireOrRenewAsync(Cancel));
        Assert.False(await second.TryAcquireOrRenewAsync(Cancel));
        Assert.True(await first.TryAcquireOrRenewAsync(Cancel));
        Assert.False(await second.TryAcquireOrRenewAsync(Cancel));
        Assert.Equal((true, false), (first.IsHeld, second.IsHeld));
        await first.ReleaseAsync(Cancel);
        Assert.True(await second.TryAcquireOrRenewAsync(Cancel));
        Assert.False(await first.TryAcquireOrRenewAsync(Cancel));
        var lease = await _client.GetAsync(CoreResources.Leases, Name("lock"), Cancel);
        Assert.Equal(("second", 600, 1), (lease.Spec!.HolderIdentity, lease.Spec.LeaseDurationSeconds, lease.Spec.LeaseTransitions));
    }

    [Fact]
    public async Task LeaseLock_HolderGone_IsTakenOverAfterItsDurationAsSeenHere()
    {
        ShiftedTime time = new();
        LeaseLock gone = new(_client, Name("lock"), "gone", TimeSpan.FromSeconds(15), time);
        LeaseLock waiting = new(_client, Name("lock"), "waiting", TimeSpan.FromSeconds(15), time);
        Assert.True(await gone.TryAcquireOrRenewAsync(Cancel));
        Assert.False(await waiting.TryAcquireOrRenewAsync(Cancel));
        time.Shift(TimeSpan.FromSeconds(16));
        Assert.True(await waiting.TryAcquireOrRenewAsync(Cancel));
        Assert.False(gone.IsHeld);
        Assert.False(await gone.TryAcquireOrRenewAsync(Cancel));
    }

    [Fact]
    public async Task LeaseLock_ManyAtOnce_OneGetsIt()
    {
        LeaseLock[] locks = [.. Enumerable.Range(0, 8)
            .Select(i => new LeaseLock(_client, Name("lock"), $"c{i}", TimeSpan.FromMinutes(10), TimeProvider.System))];
        Assert.Single(await Task.WhenAll(locks.Select(contender => contender.TryAcquireOrRenewAsync(Cancel))), true);
    }

    [Fact]
    public async Task CreateAsync_Event_IsAccepted()
    {
        Event note = new()
        {
            Metadata = new() { Namespace = _ns, GenerateName = "note-" },
            EventTime = TimeProvider.System.GetUtcNow(),
            ReportingController = "capi-registry-hook.io/tests",
            ReportingInstance = "one",
            Action = "Testing",
            Reason = "Tested",
            Note = "A test ran.",
            Type = "Normal",
            Regarding = new() { ApiVersion = "v1", Kind = "Secret", Namespace = _ns, Name = "one" },
        };
        var created = await _client.CreateAsync(CoreResources.Events, note, Me, Cancel);
        Assert.StartsWith("note-", created.Metadata.Name, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SecretKubeconfigClients_KubeconfigOfTheServer_Works()
    {
        var server = await StartAsync();
        await _client.CreateAsync(CoreResources.Secrets, NewSecret("one-kubeconfig", ("value", server.Kubeconfig)), Me, Cancel);
        using SecretKubeconfigClients clients = new(_client, new(), TimeProvider.System);
        using var lease = await clients.RentAsync(Name("one-kubeconfig"), "value", Cancel);
        Assert.NotNull(await lease.Client.FindAsync(CoreResources.Namespaces, NamespacedName.Cluster(_ns), Cancel));
    }

    [Fact]
    public async Task GetAsync_WrongToken_IsUnauthorized()
    {
        var server = await StartAsync();
        var kubeconfig = server.Kubeconfig.Replace(server.Token, "not-a-token", StringComparison.Ordinal);
        using KubernetesClient stranger = new(
            CapiRegistryHook.Kubernetes.Connection.Kubeconfig.Parse(Encoding.UTF8.GetBytes(kubeconfig), null, TimeProvider.System), new(),
            TimeProvider.System);
        Assert.Equal(
            KubernetesFault.Unauthorized, (await FailureAsync(() => stranger.GetAsync(CoreResources.Secrets, Name("one"), Cancel))).Fault);
    }

    protected abstract Task<IApiServer> StartAsync();

    private static async Task<KubernetesApiException> FailureAsync(Func<Task> call) =>
        await Assert.ThrowsAsync<KubernetesApiException>(call);

    private static async Task<string> NextAsync(IAsyncEnumerator<WatchEvent<Secret>> watch)
    {
        Assert.True(await watch.MoveNextAsync());
        return $"{watch.Current.Kind} {watch.Current.Value?.Metadata.Name}";
    }

    private static Secret Labelled(Secret secret, string kind) =>
        secret with { Metadata = secret.Metadata with { Labels = new Dictionary<string, string> { ["kind"] = kind } } };

    private NamespacedName Name(string name) => new(_ns, name);

    private Secret NewSecret(string name, params (string Key, string Value)[] data) => new()
    {
        Metadata = new() { Name = name, Namespace = _ns },
        Data = data.ToDictionary(entry => entry.Key, entry => Encoding.UTF8.GetBytes(entry.Value)),
    };

    private Task<Secret> ApplyAsync(Secret secret) =>
        _client.ServerSideApplyAsync(CoreResources.Secrets, secret, new ApplyOptions(Me, Force: false), Cancel);

    private Task DeleteAsync(DeleteOptions options) => _client.DeleteAsync(CoreResources.Secrets, Name("one"), options, Cancel);

    private async Task<List<string>> NamesAsync(ListOptions options)
    {
        List<string> names = [];
        await foreach (var secret in _client.ListAsync(CoreResources.Secrets, options, Cancel))
        {
            // Older API servers put a token of the service account controller into each namespace.
            if (secret.Metadata.Name is { } name && !name.StartsWith("default-token-", StringComparison.Ordinal))
                names.Add(name);
        }

        return names;
    }

    /// <summary>The real clock, shifted.</summary>
    private sealed class ShiftedTime : TimeProvider
    {
        private TimeSpan _shift;

        public void Shift(TimeSpan by) => _shift += by;

        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + _shift;

        public override long GetTimestamp() => System.GetTimestamp() + (long)(_shift.TotalSeconds * TimestampFrequency);
    }
}

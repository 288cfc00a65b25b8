using System.Text;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using Microsoft.AspNetCore.Http;

namespace CapiRegistryHook.Unit.Tests.Kubernetes.Client;

/// <summary>Lists whose pages or objects are larger than the client reads, and lists that no API server would send.</summary>
public sealed class PagedListTests
{
    private const int Limit = 4096;

    private static readonly KubernetesClientOptions Small = ClientFixture.Quick with { MaxResponseBytes = Limit };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ListAsync_PageTooLarge_IsHalvedUntilItFitsAndGrowsAgain()
    {
        // Four of 1,500 bytes among small ones: no page may hold three of them.
        SecretList list = new([.. Enumerable.Range(0, 40).Select(index => index is >= 10 and < 14 ? 1500 : 10)]);
        await using var fixture = await ClientFixture.StartAsync((context, _) => list.AnswerAsync(context), Small);

        Assert.Equal(list.Names, await NamesAsync(fixture, new ListOptions { PageSize = 16 }));

        Assert.Equal(["16", "8", "16", "8", "4", "8", "16", "16"], fixture.Server.Requests.Select(SecretList.PageSizeOf));
    }

    [Fact]
    public async Task ListAsync_ObjectTooLarge_IsNamedAndLeftOut()
    {
        SecretList list = new([10, 10, 5000, 10, 6000]);
        await using var fixture = await ClientFixture.StartAsync((context, _) => list.AnswerAsync(context), Small);
        List<string?> leftOut = [];

        var names = await NamesAsync(fixture, new ListOptions { OnTooLarge = metadata => leftOut.Add(metadata.Name) });

        Assert.Equal(["s000", "s001", "s003"], names);
        Assert.Equal(["s002", "s004"], leftOut);
    }

    [Fact]
    public async Task ListAsync_ObjectTooLargeAndNobodyIsTold_FailsWithItsName()
    {
        SecretList list = new([10, 5000]);
        await using var fixture = await ClientFixture.StartAsync((context, _) => list.AnswerAsync(context), Small);

        var failure = await Assert.ThrowsAsync<KubernetesApiException>(() => NamesAsync(fixture, new ListOptions()));

        Assert.Equal("secrets ns/s001: the answer is larger than the client reads", failure.Message);
    }

    [Fact]
    public async Task ListAsync_MetadataOnly_AsksForMetadata()
    {
        SecretList list = new([5000, 5000]);
        await using var fixture = await ClientFixture.StartAsync((context, _) => list.AnswerAsync(context), Small);
        List<string?> names = [];

        await foreach (var secret in fixture.Client.ListAsync(
            CoreResources.Secrets with { MetadataOnly = true }, new ListOptions { Namespace = "ns" }, Cancel))
            names.Add(secret.Metadata.Name);

        Assert.Equal(list.Names, names);
        Assert.Single(fixture.Server.Requests);
    }

    [Fact]
    public async Task WatchAsync_ChangedObjectTooLarge_IsPassedByANewList()
    {
        SecretList list = new([10]);
        var watches = 0;
        await using var fixture = await ClientFixture.StartAsync(
            async (context, _) =>
            {
                if (!context.Request.Query.ContainsKey("watch"))
                    await list.AnswerAsync(context);
                else if (Interlocked.Increment(ref watches) <= 10)
                    await context.LineAsync(SecretList.Line("fat", 100_000));
                else
                    await context.LineAsync(SecretList.Line("thin", 10));
            },
            Small);
        List<string> seen = [];

        await foreach (var change in fixture.Client.WatchAsync(CoreResources.Secrets, new ListOptions(), Cancel))
        {
            seen.Add($"{change.Kind} {change.Value?.Metadata.Name}");
            if (change.Value?.Metadata.Name == "thin")
                break;
        }

        Assert.Equal(11, seen.Count(entry => entry == "Reset "));
        Assert.Equal("Added thin", seen[^1]);
    }

    [Fact]
    public async Task ListFirstAsync_ServerSendsMoreAndMore_StopsAtTheCount()
    {
        var items = string.Join(',', Enumerable.Range(0, 50).Select(index => $$$"""{"metadata":{"name":"p{{{index}}}"}}"""));
        await using var fixture = await ClientFixture.StartAsync(
            (context, count) => context.JsonAsync($$$"""{"items":[{{{items}}}],"metadata":{"continue":"{{{count}}}"}}"""));

        var pods = await fixture.Client.ListFirstAsync(CoreResources.Pods, new ListOptions { Namespace = "ns" }, 3, Cancel);

        Assert.Equal(["p0", "p1", "p2"], pods.Select(pod => pod.Metadata.Name));
        Assert.EndsWith("?limit=3", Assert.Single(fixture.Server.Requests).Url, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"metadata":null}""")]
    [InlineData("""{"metadata":{}}""")]
    [InlineData("""{}""")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("""{"metadata":{"name":"../x"}}""")]
    [InlineData("""{"metadata":{"name":".."}}""")]
    [InlineData("""{"metadata":{"name":"a","namespace":"a/b"}}""")]
    [InlineData("""{"metadata":{"name":"\ud800"}}""")]
    [InlineData("""{"metadata":{"name":"a","labels":{"l":null}}}""")]
    [InlineData("""{"metadata":{"name":"a","annotations":{"l":null}}}""")]
    [InlineData("""{"metadata":{"name":"a","finalizers":[null]}}""")]
    [InlineData("""{"metadata":{"name":"a","ownerReferences":[null]}}""")]
    [InlineData("""{"metadata":{"name":"a","ownerReferences":[{"apiVersion":"v1","kind":null,"name":"a","uid":"u"}]}}""")]
    public async Task AnyRead_ObjectThatNoApiServerStores_IsRefused(string item)
    {
        await using var fixture = await ClientFixture.StartAsync((context, _) =>
            context.Request.Query.ContainsKey("watch") ? context.LineAsync($$"""{"type":"ADDED","object":{{item}}}""")
                : context.Request.Path.Value!.EndsWith("/one", StringComparison.Ordinal) ? context.JsonAsync(item)
                : context.JsonAsync($$$"""{"items":[{{{item}}}],"metadata":{}}"""));

        Assert.Equal(KubernetesFault.BadResponse, (await Assert.ThrowsAsync<KubernetesApiException>(fixture.GetAsync)).Fault);
        var list = await Assert.ThrowsAsync<KubernetesApiException>(
            () => fixture.Client.ListFirstAsync(CoreResources.Pods, new ListOptions(), 3, Cancel));
        Assert.Equal(KubernetesFault.BadResponse, list.Fault);
    }

    [Theory]
    [InlineData("""{"type":"\ud800","object":{"metadata":{"name":"a"}}}""")]
    [InlineData("""{"\ud800":1,"type":"ADDED","object":{"metadata":{"name":"a"}}}""")]
    [InlineData("""{"type":"ADDED","object":{"metadata":{"name":"../x"}}}""")]
    [InlineData("""{"type":"ADDED","object":{"metadata":null}}""")]
    public async Task WatchAsync_LineThatNoApiServerSends_IsRefused(string line)
    {
        await using var fixture = await ClientFixture.StartAsync((context, _) =>
            context.Request.Query.ContainsKey("watch") ? context.LineAsync(line)
                : context.JsonAsync("""{"items":[],"metadata":{"resourceVersion":"1"}}"""));

        var failure = await Assert.ThrowsAsync<KubernetesApiException>(async () =>
        {
            await foreach (var _ in fixture.Client.WatchAsync(CoreResources.Secrets, new ListOptions(), Cancel))
            {
            }
        });

        Assert.Equal(KubernetesFault.BadResponse, failure.Fault);
    }

    /// <summary>
    /// Variables of a Cluster, and the managed fields that follow them, may be nested as deep as the API server reads JSON. One such
    /// object must not hide all others.
    /// </summary>
    [Fact]
    public async Task AnyRead_ObjectThatIsNestedDeeply_IsRead()
    {
        const int Depth = 10_000;
        var spec = new string('[', Depth) + new string(']', Depth);
        var deep = $$$"""{"metadata":{"name":"one","resourceVersion":"7"},"spec":{{{spec}}}}""";
        await using var fixture = await ClientFixture.StartAsync((context, _) =>
            context.Request.Query.ContainsKey("watch") ? context.LineAsync($$"""{"type":"MODIFIED","object":{{deep}}}""")
                : context.Request.Path.Value!.EndsWith("/one", StringComparison.Ordinal) ? context.JsonAsync(deep)
                : context.JsonAsync($$$"""{"items":[{{{deep}}}],"metadata":{"resourceVersion":"6"}}"""));

        Assert.Equal("one", (await fixture.GetAsync()).Metadata.Name);
        Assert.Equal(["one"], await NamesAsync(fixture, new ListOptions()));
        List<WatchEventKind> seen = [];
        await foreach (var change in fixture.Client.WatchAsync(CoreResources.Secrets, new ListOptions(), Cancel))
        {
            seen.Add(change.Kind);
            if (change.Kind == WatchEventKind.Modified)
                break;
        }

        Assert.Equal([WatchEventKind.Reset, WatchEventKind.Added, WatchEventKind.Synced, WatchEventKind.Modified], seen);
    }

    /// <summary>The same for what is kept as it is, whatever it holds.</summary>
    [Fact]
    public async Task ListAsync_DeepVariableAndStatus_AreKept()
    {
        const int Depth = 9_900;
        var deep = new string('[', Depth) + new string(']', Depth);
        var cluster = $$$$"""
            {"metadata":{"name":"c1","namespace":"team-a"},"status":{{{{deep}}}},
             "spec":{"topology":{"variables":[{"name":"other","value":{{{{deep}}}} },{"name":"clusterConfig","value":{{{{deep}}}} }]}}}
            """;
        await using var fixture = await ClientFixture.StartAsync(
            (context, _) => context.JsonAsync($$$"""{"items":[{{{cluster}}}],"metadata":{}}"""));

        var found = Assert.Single(await fixture.Client.ListFirstAsync(RegistryResources.Clusters("v1beta2"), new ListOptions(), 3, Cancel));

        Assert.IsType<PlanResult.Invalid>(RegistryPlan.Create(found, new RegistryOptions()));
        Assert.Null(RegistryCondition.Find(found));
    }

    /// <summary>
    /// A few bytes become an object of a hundred: what is read of a workload cluster is bounded by the number of values too.
    /// </summary>
    [Fact]
    public async Task ListFirstAsync_CrowdOfEmptyValues_IsTooLarge()
    {
        var crowd = string.Join(',', Enumerable.Repeat("{}", 300_000));
        var limits = ClientFixture.Quick with { MaxResponseBytes = KubernetesClientOptions.WorkloadResponseBytes };
        await using var fixture = await ClientFixture.StartAsync(
            (context, _) => context.JsonAsync(
                $$$"""{"items":[{"metadata":{"name":"p"},"status":{"containerStatuses":[{{{crowd}}}]}}],"metadata":{}}"""), limits);

        var failure = await Assert.ThrowsAsync<KubernetesApiException>(
            () => fixture.Client.ListFirstAsync(CoreResources.Pods, new ListOptions { Namespace = "ns" }, 3, Cancel));

        Assert.Equal("pods in ns: the answer is larger than the client reads", failure.Message);
    }

    /// <summary>A tenth of a gigabyte for one answer of 8 MiB, of several at once, is more than the service has.</summary>
    [Theory]
    [InlineData("""{"pods":[""", "{}", "]}")]
    [InlineData("""{"pods":[{"volume":[""", "{}", "]}]}")]
    [InlineData("""{"pods":[{"volume":[""", "null", "]}]}")]
    public void NodeSummary_CrowdOfEmptyValues_TakesLittleMemory(string begin, string value, string end)
    {
        var body = Encoding.UTF8.GetBytes(begin + string.Join(',', Enumerable.Repeat(value, 8_000_000 / (value.Length + 1))) + end);
        var before = GC.GetAllocatedBytesForCurrentThread();

        var summary = AnswerReader.Plain("statistics", KubernetesJson.Default.NodeSummary, body);

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2 * 1024 * 1024);
        Assert.NotNull(summary.Pods);
    }

    private static async Task<List<string?>> NamesAsync(ClientFixture fixture, ListOptions options)
    {
        List<string?> names = [];
        await foreach (var secret in fixture.Client.ListAsync(CoreResources.Secrets, options with { Namespace = "ns" }, Cancel))
            names.Add(secret.Metadata.Name);
        return names;
    }

    /// <summary>A list of Secrets whose items have so many bytes of data; its continue tokens are indexes.</summary>
    private sealed class SecretList(IReadOnlyList<int> sizes)
    {
        public IEnumerable<string> Names => sizes.Select((_, index) => $"s{index:000}");

        public static string PageSizeOf(SeenRequest request) => request.Url.Split("limit=")[1].Split('&')[0];

        public static string Line(string name, int size) =>
            $$$"""{"type":"ADDED","object":{"metadata":{"name":"{{{name}}}","resourceVersion":"7"},"type":"{{{new string('x', size)}}}"}}""";

        public Task AnswerAsync(HttpContext context)
        {
            var first = int.TryParse(context.Request.Query["continue"], out var start) ? start : 0;
            var count = Math.Min(int.Parse(context.Request.Query["limit"]!, null), sizes.Count - first);
            var whole = !context.Request.Headers.Accept.ToString().Contains("as=PartialObjectMetadataList", StringComparison.Ordinal);
            var items = Enumerable.Range(first, count).Select(index =>
                $$$"""{"metadata":{"name":"s{{{index:000}}}","namespace":"ns"},"type":"{{{new string('x', whole ? sizes[index] : 0)}}}"}""");
            var next = first + count < sizes.Count ? $"{first + count}" : "";
            return context.JsonAsync(
                $$$"""{"items":[{{{string.Join(',', items)}}}],"metadata":{"resourceVersion":"9","continue":"{{{next}}}"}}""");
        }
    }
}

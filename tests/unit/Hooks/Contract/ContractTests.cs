using System.Text;
using System.Text.Json;
using CapiRegistryHook.Hooks.Contract;

namespace CapiRegistryHook.Unit.Tests.Hooks.Contract;

public sealed class ContractTests
{
    private const string ApiVersion = "hooks.runtime.cluster.x-k8s.io/v1alpha1";

    [Fact]
    public void Describe_TwoOfOneName_IsRefused() =>
        Assert.Throws<InvalidOperationException>(() => HookRoutes.Describe(
            [new HookRegistration("BeforeClusterCreate", 10, FailurePolicy.Fail),
            new HookRegistration("BeforeClusterCreate", 5, FailurePolicy.Ignore)]));

    [Theory]
    [InlineData(0)]
    [InlineData(31)]
    public void Registration_TimeoutOutsideOfTheContract_IsRefused(int seconds) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new HookRegistration("BeforeClusterCreate", seconds, FailurePolicy.Fail));

    [Fact]
    public void Registration_WithAVersion_HasItInNameAndPath()
    {
        var registration = new HookRegistration("GeneratePatches", 10, FailurePolicy.Fail, version: 2);

        Assert.Equal("generatepatches-v2", registration.Name);
        Assert.Equal("/hooks.runtime.cluster.x-k8s.io/v1alpha1/generatepatches/generatepatches-v2", registration.Path);
    }

    [Fact]
    public void Describe_Registrations_AreSortedAndComplete()
    {
        var response = HookRoutes.Describe(
            [new HookRegistration("BeforeClusterUpgrade", 10, FailurePolicy.Fail),
            new HookRegistration("AfterControlPlaneInitialized", 7, FailurePolicy.Ignore)]);

        AssertJson(
            """
            {"handlers":[
              {"name":"aftercontrolplaneinitialized","requestHook":{"apiVersion":"API","hook":"AfterControlPlaneInitialized"},"timeoutSeconds":7,"failurePolicy":"Ignore"},
              {"name":"beforeclusterupgrade","requestHook":{"apiVersion":"API","hook":"BeforeClusterUpgrade"},"timeoutSeconds":10,"failurePolicy":"Fail"}],
             "apiVersion":"API","kind":"DiscoveryResponse","status":"Success","message":""}
            """,
            JsonSerializer.Serialize(response, ContractJson.Default.DiscoveryResponse));
    }

    [Fact]
    public void ToResponse_EveryOutcome_HasAStatus()
    {
        AssertResponse(HookOutcome.NonBlocking.Proceed(), """{"status":"Success","message":""}""");
        AssertResponse(HookOutcome.NonBlocking.Fail("Why."), """{"status":"Failure","message":"Why."}""");
        AssertResponse(HookOutcome.Blocking.Proceed(), """{"status":"Success","message":"","retryAfterSeconds":0}""");
        AssertResponse(HookOutcome.Blocking.Block(TimeSpan.FromSeconds(10), "Why."),
            """{"status":"Success","message":"Why.","retryAfterSeconds":10}""");
        AssertResponse(HookOutcome.Blocking.Fail("Why."), """{"status":"Failure","message":"Why.","retryAfterSeconds":0}""");
    }

    [Fact]
    public void Block_LessThanASecond_IsRefused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => HookOutcome.Blocking.Block(TimeSpan.FromMilliseconds(900), "Why."));

    [Theory]
    [InlineData("""{"kind":"XRequest"}""")]
    [InlineData("""{"apiVersion":"API2","kind":"XRequest","cluster":{}}""")]
    [InlineData("""{"apiVersion":"API","kind":"YRequest","cluster":{}}""")]
    [InlineData("""{"apiVersion":"API","kind":"XRequest","cluster":null}""")]
    [InlineData("""{"apiVersion":"API","kind":"XRequest","cluster":"c"}""")]
    public void Read_AnythingButTheContract_IsRefused(string body) =>
        Assert.Throws<HookRequestException>(() => HookRequest.Read("X", Bytes(body)));

    /// <summary>
    /// Where no client certificate is required, anybody who reaches the port may send 20 MiB: what is remembered for a day, or gets into a
    /// path, is short.
    /// </summary>
    [Theory]
    [InlineData("""{"metadata":{"name":"c","namespace":"n","uid":"LONG"}}""", "v1.34.0", "metadata.uid")]
    [InlineData("""{"metadata":{"name":"c","namespace":"n"},"spec":{"topology":{"version":"LONG"}}}""", "v1.34.0", "topology.version")]
    [InlineData("""{"metadata":{"name":"c","namespace":"n"}}""", "LONG", "toKubernetesVersion")]
    [InlineData("""{"metadata":{"name":"a/b","namespace":"n"}}""", "v1.34.0", "metadata.name")]
    [InlineData("""{"metadata":{"name":"..","namespace":"n"}}""", "v1.34.0", "metadata.name")]
    [InlineData("""{"metadata":{"name":"LONGLONG","namespace":"n"}}""", "v1.34.0", "metadata.name")]
    [InlineData("""{"metadata":{"name":"c","namespace":"n%2f"}}""", "v1.34.0", "metadata.namespace")]
    public void Read_TextThatNoClusterHas_IsRefused(string cluster, string version, string field)
    {
        var body = $$"""{"apiVersion":"API","kind":"XRequest","toKubernetesVersion":"{{version}}","cluster":{{cluster}}}""";

        var refused = Assert.Throws<HookRequestException>(
            () => HookRequest.Read("X", Bytes(body.Replace("LONG", new string('1', 129), StringComparison.Ordinal))));

        Assert.Contains(field, refused.Message, StringComparison.Ordinal);
        Assert.NotNull(HookRequest.Read("X", Bytes(body.Replace("LONG", new string('1', 126), StringComparison.Ordinal)
            .Replace("a/b", "a.b", StringComparison.Ordinal).Replace("..", "c", StringComparison.Ordinal)
            .Replace("%2f", "", StringComparison.Ordinal))));
    }

    [Fact]
    public void Read_UnknownFields_AreIgnored()
    {
        var request = HookRequest.Read("X", Bytes("""
            {"apiVersion":"API","kind":"XRequest","settings":{"a":"b"},"new":[1],"toKubernetesVersion":"v1.34.0",
             "cluster":{"metadata":{"name":"c","namespace":"n","new":true},"spec":{"new":{}},"status":5}}
            """));

        Assert.Equal("n/c", request.Cluster.DisplayName);
        Assert.Equal("v1.34.0", request.ToKubernetesVersion);
    }

    private static void AssertResponse(HookOutcome outcome, string rest) => AssertJson(
        """{"apiVersion":"API","kind":"BeforeClusterCreateResponse",""" + rest[1..],
        JsonSerializer.Serialize(outcome.ToResponse("BeforeClusterCreate"), ContractJson.Default.HookResponse));

    private static void AssertJson(string expected, string actual)
    {
        using var document = JsonDocument.Parse(expected.Replace("API", ApiVersion, StringComparison.Ordinal));
        Assert.Equal(JsonSerializer.Serialize(document.RootElement), actual);
    }

    private static byte[] Bytes(string body) => Encoding.UTF8.GetBytes(body.Replace("API", ApiVersion, StringComparison.Ordinal));
}

using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Unit.Tests.Kubernetes.Client;

public sealed class CallFactoryTests
{
    [Fact]
    public void Get_Names_MakeThePath()
    {
        Assert.Equal("api/v1/namespaces/ns/secrets/one", CallFactory.Get(CoreResources.Secrets, new("ns", "one")).Path);
        Assert.Equal("apis/coordination.k8s.io/v1/namespaces/ns/leases/one", CallFactory.Get(CoreResources.Leases, new("ns", "one")).Path);
        Assert.Equal("api/v1/namespaces/one", CallFactory.Get(CoreResources.Namespaces, NamespacedName.Cluster("one")).Path);
        Assert.Equal("api/v1/namespaces/ns/secrets/a%20b%3Fc%23d%3Ae", CallFactory.Get(CoreResources.Secrets, new("ns", "a b?c#d:e")).Path);
    }

    [Theory]
    [InlineData("ns", "")]
    [InlineData("", "one")]
    [InlineData("ns", "..")]
    [InlineData(".", "one")]
    [InlineData("ns", "a/b")]
    [InlineData("a/../b", "one")]
    [InlineData("ns", "a%2fb")]
    [InlineData("ns", "a\\b")]
    [InlineData("ns", "a\nb")]
    [InlineData("ns", null)]
    public void Get_NameThatIsNone_IsRefused(string? @namespace, string? name) =>
        Assert.Throws<ArgumentException>(() => CallFactory.Get(CoreResources.Secrets, new NamespacedName(@namespace!, name!)));

    [Fact]
    public void Get_OverlongName_IsRefused() =>
        Assert.Throws<ArgumentException>(() => CallFactory.Get(CoreResources.Secrets, new("ns", new string('a', 254))));

    [Fact]
    public void Get_NamespaceOfClusterScoped_IsRefused() =>
        Assert.Throws<ArgumentException>(() => CallFactory.Get(CoreResources.Namespaces, new("ns", "one")));

    [Fact]
    public void List_Selectors_AreEscaped()
    {
        ListOptions options = new() { Namespace = "ns", LabelSelector = "a in (b,c),d!=e", PageSize = 10 };
        Assert.Equal(
            "api/v1/namespaces/ns/secrets?labelSelector=a%20in%20%28b%2Cc%29%2Cd%21%3De&limit=10&continue=x%26y",
            CallFactory.List(CoreResources.Secrets, options, options.PageSize, "x&y").Path);
        Assert.Equal("api/v1/secrets?limit=500", CallFactory.List(CoreResources.Secrets, new ListOptions(), 500, null).Path);
        Assert.Throws<ArgumentException>(() => CallFactory.List(CoreResources.Secrets, options, 0, null));
    }

    [Fact]
    public void Create_Object_BearsNoRepetition()
    {
        Secret secret = new() { Metadata = new() { Name = "one", Namespace = "ns" },
            Data = new Dictionary<string, byte[]> { ["a"] = [1, 2] } };
        var request = CallFactory.Create(CoreResources.Secrets, secret, "me & you");
        Assert.Equal("api/v1/namespaces/ns/secrets?fieldManager=me%20%26%20you", request.Path);
        Assert.Equal(Repeat.WhenNotDone, request.Repeat);
        Assert.Equal("""{"apiVersion":"v1","kind":"Secret","metadata":{"name":"one","namespace":"ns"},"data":{"a":"AQI="}}""",
            Encoding.UTF8.GetString(request.Body!));
        Assert.DoesNotContain("AQI=", request.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Create_WithoutNamespaceOrName_IsRefused()
    {
        Assert.Throws<ArgumentException>(
            () => CallFactory.Create(CoreResources.Secrets, new Secret { Metadata = new() { Name = "one" } }, "me"));
        Assert.Throws<ArgumentException>(
            () => CallFactory.Create(CoreResources.Secrets, new Secret { Metadata = new() { Namespace = "ns" } }, "me"));
    }

    [Fact]
    public void Apply_Object_IsSafeToRepeat()
    {
        Secret secret = new() { Metadata = new() { Name = "one", Namespace = "ns" } };
        var request = CallFactory.Apply(CoreResources.Secrets, secret, new ApplyOptions("me", Force: false));
        Assert.Equal("api/v1/namespaces/ns/secrets/one?fieldManager=me&force=false", request.Path);
        Assert.Equal(("application/apply-patch+yaml", Repeat.Safe), (request.MediaType, request.Repeat));
    }

    [Fact]
    public void Patch_WithVersion_IsSafeToRepeat()
    {
        NamespacedName one = new("ns", "one");
        Assert.Equal(Repeat.WhenNotDone, CallFactory.MergePatch(CoreResources.Secrets, one, [], "me").Repeat);
        Assert.Equal(Repeat.Safe, CallFactory.MergePatch(
            CoreResources.Secrets, one, new JsonObject { ["metadata"] = new JsonObject { ["resourceVersion"] = "1" } }, "me").Repeat);
    }

    [Fact]
    public void Delete_Precondition_IsSafeToRepeat()
    {
        NamespacedName one = new("ns", "one");
        Assert.Equal(Repeat.WhenNotDone, CallFactory.Delete(CoreResources.Secrets, one, new DeleteOptions()).Repeat);
        var request = CallFactory.Delete(CoreResources.Secrets, one, new DeleteOptions { Uid = "u" });
        Assert.Equal(Repeat.Safe, request.Repeat);
        Assert.Equal(
            """{"apiVersion":"v1","kind":"DeleteOptions","preconditions":{"uid":"u"}}""",
            Encoding.UTF8.GetString(request.Body!));
    }

    [Fact]
    public void ToString_Secret_ShowsNoData() => Assert.Equal(
        "Secret ns/one (1 key)",
        new Secret { Metadata = new() { Name = "one", Namespace = "ns" },
        Data = new Dictionary<string, byte[]> { ["a"] = [1] } }.ToString());

    [Theory]
    [InlineData("2026-01-02T03:04:05Z", true)]
    [InlineData("2026-01-02T03:04:05.0Z", false)]
    [InlineData("2026-01-02T03:04:05+00:00", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void TryParse_Time_ReadsWhatFormatWrites(string? text, bool isTime)
    {
        Assert.Equal(isTime, KubernetesTime.TryParse(text, out var moment));
        Assert.Equal(isTime ? text : "0001-01-01T00:00:00Z", KubernetesTime.Format(moment));
    }

    [Fact]
    public void Format_MicroTime_HasSixDigits() =>
        Assert.Equal("2026-01-02T03:04:05.000000Z", MicroTimeConverter.Format(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero)));
}

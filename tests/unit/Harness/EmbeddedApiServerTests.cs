using System.Net;
using System.Net.Http.Headers;
using CapiRegistryHook.Harness.Embedded;
using static CapiRegistryHook.Unit.Tests.Harness.ApiSession;

namespace CapiRegistryHook.Unit.Tests.Harness;

/// <summary>The server as a whole: who gets in, what it knows, how it fails and what it notes.</summary>
public sealed class EmbeddedApiServerTests
{
    [Theory]
    [InlineData(null)]
    [InlineData("Bearer wrong")]
    public async Task Request_WithoutTheToken_IsUnauthorized(string? authorization)
    {
        await using var api = await StartAsync();
        api.Http.DefaultRequestHeaders.Authorization = authorization is null ? null : AuthenticationHeaderValue.Parse(authorization);

        var answer = await api.GetAsync(Secrets);

        Assert.Equal(HttpStatusCode.Unauthorized, answer.Status);
        Assert.Equal("Unauthorized", answer.Reason);
    }

    [Fact]
    public async Task Client_ThatTrustsAnotherRoot_RefusesTheServer()
    {
        await using var api = await StartAsync();
        await using var other = await StartAsync();
        using var client = CreateClient(other.Server);

        await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync(api.Server.Address, Token));
    }

    [Theory]
    [InlineData("/readyz", "ok")]
    [InlineData("/version", "v1.20.2")]
    [InlineData("/api", "v1")]
    [InlineData("/api/v1", "secrets")]
    [InlineData("/apis", "addons.cluster.x-k8s.io")]
    [InlineData("/apis/cluster.x-k8s.io", "cluster.x-k8s.io/v1beta1")]
    [InlineData("/apis/cluster.x-k8s.io/v1beta2", "clusters/status")]
    public async Task PlainPath_Known_IsAnswered(string path, string part)
    {
        await using var api = await StartAsync();

        var answer = await api.GetAsync(path);

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Contains(part, answer.Body!.ToJsonString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/nowhere")]
    [InlineData("/apis/example.com/v1/namespaces/default/things")]
    public async Task Path_Unknown_IsNotFoundInPlainText(string path)
    {
        await using var api = await StartAsync();

        var answer = await api.GetAsync(path);

        Assert.Equal(HttpStatusCode.NotFound, answer.Status);
        Assert.Equal("404 page not found\n", (string?)answer.Body);
    }

    [Theory]
    [InlineData("/api/v1/namespaces/default/things")]
    [InlineData("/api/v1/namespaces/default/secrets/name/status")]
    public async Task Path_UnknownInTheCoreGroup_IsNotFoundThatNamesNoObject(string path)
    {
        await using var api = await StartAsync();

        var answer = await api.GetAsync(path);

        Assert.Equal((HttpStatusCode.NotFound, "NotFound"), (answer.Status, answer.Reason));
        Assert.Equal("{}", answer.Json["details"]!.ToJsonString());
    }

    [Theory]
    [InlineData("POST", Secrets + "/name")]
    [InlineData("PUT", Secrets)]
    [InlineData("DELETE", Clusters + "/name/status")]
    public async Task Method_OutOfPlace_IsNotAllowed(string method, string path)
    {
        await using var api = await StartAsync();

        var answer = await api.SendAsync(new HttpMethod(method), path, "{}");

        Assert.Equal(HttpStatusCode.MethodNotAllowed, answer.Status);
        Assert.Equal("MethodNotAllowed", answer.Reason);
    }

    [Fact]
    public async Task Calls_OfEveryVerb_AreRecordedWithStatusAndManager()
    {
        await using var api = await StartAsync();

        await api.CreateSecretAsync("a");
        await api.ApplyAsync(Secrets + "/b", "hook", """{"apiVersion":"v1","kind":"Secret","metadata":{"name":"b"}}""");
        await api.GetAsync(Secrets + "/missing");
        await api.DeleteAsync(Secrets + "/a");

        Assert.Equal(
            [("create", "", 201), ("apply", "b", 201), ("get", "missing", 404), ("delete", "a", 200)],
            api.Server.Calls.Select(call => (call.Verb, call.Name, call.StatusCode)));
        Assert.Equal("hook", api.Server.Calls[1].FieldManager);
        Assert.All(api.Server.Calls, call => Assert.Equal(("secrets", "default"), (call.Resource, call.Namespace)));
        api.Server.ClearCalls();
        Assert.Empty(api.Server.Calls);
    }

    [Fact]
    public async Task Fault_WithStatus_IsAnsweredAndChangesNothing()
    {
        await using var api = await StartAsync();
        var left = 1;
        api.Server.InjectFault(call => call.Verb == "create" && left-- > 0
            ? Fault.Status(429, "TooManyRequests", retryAfter: TimeSpan.FromSeconds(7)) : null);

        var answer = await api.PostAsync(Secrets, """{"metadata":{"name":"a"}}""");

        Assert.Equal(HttpStatusCode.TooManyRequests, answer.Status);
        Assert.Equal("TooManyRequests", answer.Reason);
        Assert.Equal(TimeSpan.FromSeconds(7), answer.Message.Headers.RetryAfter!.Delta);
        Assert.Equal(HttpStatusCode.NotFound, (await api.GetAsync(Secrets + "/a")).Status);
        await api.CreateSecretAsync("a");
    }

    [Theory]
    [InlineData(false, HttpStatusCode.NotFound)]
    [InlineData(true, HttpStatusCode.OK)]
    public async Task Fault_DroppedConnection_BeforeOrAfterTheWork(bool after, HttpStatusCode then)
    {
        await using var api = await StartAsync();
        api.Server.InjectFault(call => call.Verb != "create" ? null : after ? Fault.DropAfter() : Fault.DropBefore());

        await Assert.ThrowsAsync<HttpRequestException>(() => api.PostAsync(Secrets, """{"metadata":{"name":"a"}}"""));

        Assert.Equal(then, (await api.GetAsync(Secrets + "/a")).Status);
        Assert.Equal(0, api.Server.Calls[0].StatusCode);
    }

    [Fact]
    public async Task Fault_Delay_HoldsTheCallUntilReleased()
    {
        await using var api = await StartAsync();
        var release = new TaskCompletionSource();
        api.Server.InjectFault(call => call.Resource == "secrets" ? Fault.Delay(release.Task) : null);

        var held = api.GetAsync(Secrets);
        Assert.Equal(HttpStatusCode.OK, (await api.GetAsync("/api/v1/namespaces")).Status);
        Assert.False(held.IsCompleted);
        release.SetResult();

        Assert.Equal(HttpStatusCode.OK, (await held).Status);
    }

    [Fact]
    public async Task Pause_ThenResume_RefusesConnectionsAndKeepsAddressAndObjects()
    {
        await using var api = await StartAsync();
        await api.CreateSecretAsync("a");
        var address = api.Server.Address;

        await api.Server.PauseAsync();
        await Assert.ThrowsAsync<HttpRequestException>(() => api.GetAsync(Secrets + "/a"));
        await api.Server.ResumeAsync();

        Assert.Equal(address, api.Server.Address);
        Assert.Equal(HttpStatusCode.OK, (await api.GetAsync(Secrets + "/a")).Status);
    }

    [Fact]
    public async Task Kubeconfig_NamesServerRootAndToken()
    {
        await using var api = await StartAsync();

        Assert.Contains(
            $"server: '{api.Server.Address.GetLeftPart(UriPartial.Authority)}'", api.Server.Kubeconfig, StringComparison.Ordinal);
        Assert.Contains(api.Server.Token, api.Server.Kubeconfig, StringComparison.Ordinal);
        Assert.Contains("current-context: 'test'", api.Server.Kubeconfig, StringComparison.Ordinal);
    }
}

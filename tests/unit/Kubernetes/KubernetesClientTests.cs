using System.Text.Json.Nodes;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Unit.Tests.Kubernetes;

public sealed class KubernetesClientTests
{
    private static readonly Secret NewSecret = new() { Metadata = new() { Name = "one", Namespace = "ns" } };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GetAsync_Object_IsRead()
    {
        await using var fixture = await ClientFixture.StartAsync((context, _) => context.JsonAsync(Answers.SecretJson));
        var secret = await fixture.GetAsync();
        Assert.Equal(("one", "ns", "7"), (secret.Metadata.Name, secret.Metadata.Namespace, secret.Metadata.ResourceVersion));
        Assert.Equal("secret-value"u8.ToArray(), secret.Data!["a"]);
    }

    [Fact]
    public async Task GetAsync_ServerBehindAPath_KeepsThePath()
    {
        await using var fixture = await ClientFixture.StartAsync(
            (context, _) => context.JsonAsync(Answers.SecretJson),
            change: c => c with { Server = new Uri(c.Server, "/k8s/clusters/c-1/") });
        await fixture.GetAsync();
        Assert.Equal("/k8s/clusters/c-1/api/v1/namespaces/ns/secrets/one", Assert.Single(fixture.Server.Requests).Url);
    }

    [Fact]
    public async Task FindAsync_ObjectMissing_IsNull()
    {
        await using var fixture = await ClientFixture.StartAsync((context, _) => context.StatusAsync(404, "NotFound"));
        Assert.Null(await fixture.Client.FindAsync(CoreResources.Secrets, ClientFixture.One, Cancel));
    }

    [Theory]
    [InlineData("404 page not found")]
    [InlineData("""{"kind":"Status","code":404,"reason":"NotFound","message":"the server could not find the requested resource","details":{}}""")]
    public async Task FindAsync_KindMissing_Throws(string body)
    {
        await using var fixture = await ClientFixture.StartAsync((context, _) => context.JsonAsync(body, 404));
        var failure = await Assert.ThrowsAsync<KubernetesApiException>(
            () => fixture.Client.FindAsync(CoreResources.Secrets, ClientFixture.One, Cancel));
        Assert.Equal(KubernetesFault.NotFound, failure.Fault);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(422)]
    [InlineData(500)]
    public async Task WriteOfASecret_ServerQuotesTheBody_IsNotRepeated(int code)
    {
        var body = $$"""{"kind":"Status","code":{{code}},"reason":"BadRequest","message":"illegal base64 data in ...hunter2..."}""";
        await using var fixture = await ClientFixture.StartAsync((context, _) => context.JsonAsync(body, code));
        Task[] writes =
        [
            fixture.Client.CreateAsync(CoreResources.Secrets, NewSecret, "m", Cancel),
            fixture.Client.ServerSideApplyAsync(CoreResources.Secrets, NewSecret, new ApplyOptions("m", true), Cancel),
            fixture.Client.MergePatchAsync(CoreResources.Secrets, ClientFixture.One, new JsonObject(), "m", Cancel),
        ];
        foreach (var write in writes)
            Assert.DoesNotContain(
                "hunter2", (await Assert.ThrowsAsync<KubernetesApiException>(() => write)).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task GetAsync_TooManyRequests_WaitsAsAskedAndTriesAgain()
    {
        ManualTime time = new();
        await using var fixture = await ClientFixture.StartAsync(
            (context, count) =>
            {
                context.Response.Headers.RetryAfter = "2";
                return count == 1 ? context.StatusAsync(429, "TooManyRequests") : context.JsonAsync(Answers.SecretJson);
            },
            new KubernetesClientOptions(),
            time);
        var call = fixture.GetAsync();
        await time.TimerAsync(delay => delay >= TimeSpan.FromSeconds(2) && delay <= TimeSpan.FromSeconds(2.1));
        Assert.False(call.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(2.1));
        await call;
        Assert.Equal(2, fixture.Server.Requests.Count);
    }

    [Fact]
    public async Task GetAsync_RetryAfterIsADate_IsUnderstood()
    {
        ManualTime time = new();
        await using var fixture = await ClientFixture.StartAsync(
            (context, _) =>
            {
                context.Response.Headers.RetryAfter = time.GetUtcNow().AddMinutes(5).ToString("R");
                return context.StatusAsync(503, "ServiceUnavailable");
            },
            new KubernetesClientOptions(),
            time);
        var failure = await Assert.ThrowsAsync<KubernetesApiException>(fixture.GetAsync);
        Assert.Equal((KubernetesFault.Unavailable, TimeSpan.FromMinutes(5)), (failure.Fault, failure.RetryAfter));
        Assert.Single(fixture.Server.Requests);
    }

    [Fact]
    public async Task GetAsync_ConnectionDropped_TriesAgain()
    {
        await using var fixture = await ClientFixture.StartAsync((context, count) =>
        {
            if (count > 2)
                return context.JsonAsync(Answers.SecretJson);
            context.Abort();
            return Task.CompletedTask;
        });
        await fixture.GetAsync();
        Assert.Equal(3, fixture.Server.Requests.Count);
    }

    [Fact]
    public async Task GetAsync_BodyBroken_TriesAgain()
    {
        await using var fixture = await ClientFixture.StartAsync(async (context, count) =>
        {
            await context.LineAsync(count == 1 ? Answers.SecretJson[..40] : Answers.SecretJson);
            if (count == 1)
                context.Abort();
        });
        await fixture.GetAsync();
        Assert.Equal(2, fixture.Server.Requests.Count);
    }

    [Fact]
    public async Task GetAsync_AlwaysUnavailable_GivesUpAfterTheAttempts()
    {
        await using var fixture = await ClientFixture.StartAsync((context, _) => context.StatusAsync(503, "ServiceUnavailable"));
        var failure = await Assert.ThrowsAsync<KubernetesApiException>(fixture.GetAsync);
        Assert.True(failure.IsTransient);
        Assert.Equal(4, fixture.Server.Requests.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task CreateAsync_AnswerLost_IsNotRepeated(bool drop)
    {
        await using var fixture = await ClientFixture.StartAsync((context, _) =>
        {
            if (!drop)
                return context.StatusAsync(503, "ServiceUnavailable");
            context.Abort();
            return Task.CompletedTask;
        });
        var failure = await Assert.ThrowsAsync<KubernetesApiException>(
            () => fixture.Client.CreateAsync(CoreResources.Secrets, NewSecret, "me", Cancel));
        Assert.Equal(drop ? KubernetesFault.Unreachable : KubernetesFault.Unavailable, failure.Fault);
        Assert.Single(fixture.Server.Requests);
    }

    [Fact]
    public async Task CreateAsync_TooManyRequests_IsRepeatedWithItsBody()
    {
        await using var fixture = await ClientFixture.StartAsync(
            (context, count) => count == 1 ? context.StatusAsync(429, "TooManyRequests") : context.JsonAsync(Answers.SecretJson, 201));
        await fixture.Client.CreateAsync(CoreResources.Secrets, NewSecret, "me", Cancel);
        Assert.Equal(2, fixture.Server.Requests.Count);
        Assert.Single(fixture.Server.Requests.Select(request => request.Body).Distinct());
    }

    [Fact]
    public async Task CreateAsync_NobodyListens_IsRepeatedAndUnreachable()
    {
        using TestAuthority authority = new();
        using KubernetesClient client = new(
            new ClusterConnection { Server = new Uri("https://127.0.0.1:1"), CertificateAuthorities = authority.Roots },
            ClientFixture.Quick, TimeProvider.System);
        var failure =
            await Assert.ThrowsAsync<KubernetesApiException>(() => client.CreateAsync(CoreResources.Secrets, NewSecret, "me", Cancel));
        Assert.Equal((KubernetesFault.Unreachable, true), (failure.Fault, failure.NeverSent));
    }

    [Fact]
    public async Task GetAsync_SlowAnswer_IsOurTimeout()
    {
        ManualTime time = new();
        await using var fixture = await ClientFixture.StartAsync(
            (context, _) =>
            {
                time.Advance(ClientFixture.Quick.CallTimeout);
                return context.SilenceAsync();
            },
            ClientFixture.Quick with { MaxAttempts = 1 },
            time);
        var failure = await Assert.ThrowsAsync<KubernetesApiException>(fixture.GetAsync);
        Assert.Equal((KubernetesFault.Timeout, (int?)null, true), (failure.Fault, failure.StatusCode, failure.IsTransient));
        Assert.Single(fixture.Server.Requests);
    }

    [Fact]
    public async Task GetAsync_SlowBody_IsOurTimeout()
    {
        ManualTime time = new();
        await using var fixture = await ClientFixture.StartAsync(
            async (context, _) =>
            {
                await context.LineAsync("{");
                time.Advance(TimeSpan.FromSeconds(4));
                await context.SilenceAsync();
            },
            new KubernetesClientOptions { MaxAttempts = 1 },
            time);
        Assert.Equal(KubernetesFault.Timeout, (await Assert.ThrowsAsync<KubernetesApiException>(fixture.GetAsync)).Fault);
    }

    [Fact]
    public async Task GetAsync_CallerCancels_IsTheCallersCancellation()
    {
        using CancellationTokenSource caller = new();
        await using var fixture = await ClientFixture.StartAsync(async (context, _) =>
        {
            await caller.CancelAsync();
            await context.SilenceAsync();
        });
        var thrown = await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => fixture.Client.GetAsync(CoreResources.Secrets, ClientFixture.One, caller.Token));
        Assert.Equal(caller.Token, thrown.CancellationToken);
    }

    [Fact]
    public async Task GetAsync_Redirect_IsNotFollowed()
    {
        await using var fixture = await ClientFixture.StartAsync((context, _) =>
        {
            context.Response.Redirect("/elsewhere");
            return Task.CompletedTask;
        });
        Assert.Equal(KubernetesFault.BadResponse, (await Assert.ThrowsAsync<KubernetesApiException>(fixture.GetAsync)).Fault);
        Assert.Single(fixture.Server.Requests);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task GetAsync_OversizedBody_IsRefused(bool announced)
    {
        string body = new(' ', 5000);
        await using var fixture = await ClientFixture.StartAsync(
            (context, _) =>
            {
                context.Response.ContentLength = announced ? body.Length + 1 : null;
                return context.LineAsync(body);
            },
            ClientFixture.Quick with { MaxResponseBytes = 4096 });
        Assert.Equal(KubernetesFault.BadResponse, (await Assert.ThrowsAsync<KubernetesApiException>(fixture.GetAsync)).Fault);
    }

    [Theory]
    [InlineData("<html>hello</html>")]
    [InlineData("null")]
    [InlineData("")]
    [InlineData("""{"metadata":{"name":["leak-me"]}}""")]
    [InlineData("""{"metadata":{},"data":{"k":"leak-me!"}}""")]
    public async Task GetAsync_NotTheKind_IsABadResponseThatQuotesNothing(string body)
    {
        await using var fixture = await ClientFixture.StartAsync((context, _) => context.JsonAsync(body));
        var failure = await Assert.ThrowsAsync<KubernetesApiException>(fixture.GetAsync);
        Assert.Equal(KubernetesFault.BadResponse, failure.Fault);
        Assert.DoesNotContain("leak-me", failure.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ListAsync_Pages_AreFollowed()
    {
        await using var fixture =
            await ClientFixture.StartAsync((context, count) => context.JsonAsync(Page(count, count < 3 ? $"next{count}" : null)));
        List<string?> names = [.. (await ListAsync(fixture)).Select(secret => secret.Metadata.Name)];
        Assert.Equal(["s1", "s2", "s3"], names);
        Assert.Contains("continue=next2", fixture.Server.Requests.Last().Url, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ListAsync_ContinueExpires_StartsAgainOnce()
    {
        await using var fixture = await ClientFixture.StartAsync((context, count) => count switch
        {
            1 => context.JsonAsync(Page(1, "next")),
            2 => context.StatusAsync(410, "Expired"),
            3 => context.JsonAsync(Page(1, "next")),
            _ => context.JsonAsync(Page(2, null)),
        });
        Assert.Equal(["s1", "s1", "s2"], (await ListAsync(fixture)).Select(secret => secret.Metadata.Name));
    }

    [Fact]
    public async Task ListAsync_ContinueAlwaysExpires_Throws()
    {
        await using var fixture = await ClientFixture.StartAsync(
            (context, count) => count % 2 == 1 ? context.JsonAsync(Page(1, "next")) : context.StatusAsync(410, "Expired"));
        Assert.Equal(KubernetesFault.Gone, (await Assert.ThrowsAsync<KubernetesApiException>(() => ListAsync(fixture))).Fault);
        Assert.Equal(4, fixture.Server.Requests.Count);
    }

    [Fact]
    public async Task ListAsync_NullItems_IsEmpty()
    {
        await using var fixture =
            await ClientFixture.StartAsync((context, _) => context.JsonAsync("""{"kind":"SecretList","items":null,"metadata":{}}"""));
        Assert.Empty(await ListAsync(fixture));
    }

    [Fact]
    public async Task MergePatchAsync_Patch_HasItsMediaType()
    {
        await using var fixture = await ClientFixture.StartAsync((context, _) => context.JsonAsync(Answers.SecretJson));
        await fixture.Client.MergePatchAsync(CoreResources.Secrets, ClientFixture.One, new JsonObject { ["type"] = null }, "me", Cancel);
        var seen = Assert.Single(fixture.Server.Requests);
        Assert.Equal(("PATCH", "application/merge-patch+json", """{"type":null}"""), (seen.Method, seen.ContentType, seen.Body));
    }

    private static async Task<List<Secret>> ListAsync(ClientFixture fixture)
    {
        List<Secret> result = [];
        await foreach (var secret in fixture.Client.ListAsync(CoreResources.Secrets, new ListOptions { Namespace = "ns" }, Cancel))
            result.Add(secret);
        return result;
    }

    private static string Page(int number, string? next)
    {
        var more = next is null ? "" : $",\"continue\":\"{next}\"";
        return $$$"""{"kind":"SecretList","apiVersion":"v1","items":[{"metadata":{"name":"s{{{number}}}"}}],"metadata":{"resourceVersion":"9"{{{more}}}}}""";
    }
}

using System.Net;
using System.Net.Http.Headers;
using System.Text;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Content.Sources;

namespace CapiRegistryHook.Unit.Tests.Content;

public sealed class RegistryClientTests : IDisposable
{
    private readonly MemoryRegistry _registry = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _registry.Dispose();

    [Fact]
    public async Task GetManifest_OtherBytesThanTheDigest_IsRefused()
    {
        var real = ManifestWriter.Index([]);
        _registry.Manifests[$"a:{real.Descriptor.Digest}"] = ("""{"schemaVersion":2,"manifests":[],"x":1}"""u8.ToArray(),
            MediaTypes.OciIndex);
        using var client = _registry.Client();
        var exception = await Assert.ThrowsAsync<ContentException>(() => client.GetManifestAsync("a", real.Descriptor.Digest.ToString(),
            Cancelled));
        Assert.Contains("another manifest", exception.Message, StringComparison.Ordinal);
    }

    /// <summary>What was pinned is what is copied, under its tag too, whatever the header of an answer says.</summary>
    [Fact]
    public async Task Resolve_OtherDigestThanAskedFor_IsRefused()
    {
        var (real, other) = (ManifestWriter.Index([]), ManifestWriter.Index([], MediaTypes.DockerIndex));
        _registry.Manifests[$"a:{real.Descriptor.Digest}"] = (other.Bytes.ToArray(), MediaTypes.DockerIndex);
        using var client = _registry.Client();

        var exception = await Assert.ThrowsAsync<ContentException>(
            () => client.ResolveAsync("a", real.Descriptor.Digest.ToString(), Cancelled));

        Assert.Contains("another manifest", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task GetManifest_EndlessAnswer_IsCutOff()
    {
        _registry.Fault = _ => new HttpResponseMessage(HttpStatusCode.OK) { Content = new StreamContent(new EndlessStream()) };
        using var client = _registry.Client();
        var exception = await Assert.ThrowsAsync<RegistryException>(() => client.GetManifestAsync("a", "1", Cancelled));
        Assert.Contains("more than 4194304 bytes", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(1000)]
    public async Task Tags_OfAnyPageSize_AreAllThere(int pageSize)
    {
        _registry.PageSize = pageSize;
        for (var tag = 0; tag < 25; tag++)
            _registry.AddManifest("a/b", $"t{tag:D2}", "{}"u8.ToArray(), MediaTypes.OciManifest);
        using var client = _registry.Client();
        var tags = new List<string>();
        await foreach (var tag in client.TagsAsync("a/b", Cancelled))
            tags.Add(tag);
        Assert.Equal(Enumerable.Range(0, 25).Select(tag => $"t{tag:D2}"), tags);
    }

    [Theory]
    [InlineData("</v2/a/tags/list?n=1000>; rel=\"next\"", "without an end")]
    [InlineData("<https://evil.test/v2/a/tags/list>; rel=\"next\"", "not its own")]
    public async Task Tags_PagesThatLeadAstray_AreRefused(string link, string reason)
    {
        _registry.Fault = _ =>
        {
            var answer = new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent("""{"tags":["x"]}""") };
            answer.Headers.TryAddWithoutValidation("Link", link);
            return answer;
        };
        using var client = _registry.Client();
        var exception = await Assert.ThrowsAsync<RegistryException>(async () => await client.TagsAsync("a",
            Cancelled).ToListAsync(Cancelled));
        Assert.Contains(reason, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Referrers_WithoutEnd_AreRefused()
    {
        var page = 0;
        _registry.Fault = request =>
        {
            var entries = Enumerable.Range(0, 2000).Select(number =>
                new Descriptor(MediaTypes.OciManifest, Digest.Compute(Encoding.UTF8.GetBytes($"{page}-{number}")), 10)).ToList();
            var answer = new HttpResponseMessage(
                HttpStatusCode.OK) { Content = new ReadOnlyMemoryContent(ManifestWriter.Index(entries).Bytes) };
            answer.Content.Headers.ContentType = new MediaTypeHeaderValue(MediaTypes.OciIndex);
            answer.Headers.TryAddWithoutValidation("Link", $"<{request.RequestUri!.AbsolutePath}?page={++page}>; rel=\"next\"");
            return answer;
        };
        using var client = _registry.Client();

        var failure = await Assert.ThrowsAsync<RegistryException>(() => client.ReferrersAsync("a", Digest.Compute("x"u8), Cancelled));

        Assert.Contains("more than 4096 referrers", failure.Message, StringComparison.Ordinal);
        Assert.Equal(3, page);
    }

    [Fact]
    public async Task Calls_TooManyRequests_WaitAsLongAsAskedWithinTheBound()
    {
        var time = new Kubernetes.ManualTime();
        var answers = 0;
        _registry.Fault = _ => ++answers > 2 ? null : Busy(answers == 1 ? TimeSpan.FromSeconds(7) : TimeSpan.FromHours(1));
        using var client = new RegistryClient(_registry, new Uri("https://registry.test"),
            new RegistryOptions { Time = time, Timeout = TimeSpan.FromDays(1) });
        var ping = client.PingAsync(Cancelled);
        await time.TimerAsync(delay => delay == TimeSpan.FromSeconds(7));
        time.Advance(TimeSpan.FromSeconds(7));
        await time.TimerAsync(delay => delay == TimeSpan.FromSeconds(30));
        time.Advance(TimeSpan.FromSeconds(30));
        await ping;
        Assert.Equal(3, answers);
    }

    /// <summary>What CNCF Distribution 2.8 and 3 answer when the guard of the chart, or the end of the space, stops a push.</summary>
    [Theory]
    [InlineData("""{"DriverName":"filesystem","Enclosed":{"Op":"mkdir","Path":"/a/_uploads/b","Err":13}}""", true)]
    [InlineData("""{"DriverName":"filesystem","Enclosed":{"Op":"write","Path":"/a","Err":28}}""", true)]
    [InlineData("\"filesystem: mkdir /a/_uploads/b: permission denied\"", true)]
    [InlineData("\"filesystem: write /a: no space left on device\"", true)]
    [InlineData("\"filesystem: timeout\"", false)]
    public async Task Push_VolumeTakesNone_SaysWhatToDoAndIsNotTriedAgain(string detail, bool isFull)
    {
        _registry.Fault = _ => new HttpResponseMessage(System.Net.HttpStatusCode.InternalServerError)
        {
            Content = new StringContent($$"""{"errors":[{"code":"UNKNOWN","message":"unknown error","detail":{{detail}} }]}"""),
        };
        using var client = new RegistryClient(_registry, new Uri("https://registry.test"),
            new RegistryOptions { Retry = new RetryPolicy(1, TimeSpan.Zero, TimeSpan.Zero) });

        var failure = await Assert.ThrowsAsync<RegistryException>(() => client.DeleteManifestAsync("a", "1", Cancelled));

        Assert.Equal(isFull, failure.Message.EndsWith(
            "500 UNKNOWN (unknown error); its volume takes no pushes, because it is full or almost full: remove content, or make it "
                + "larger.",
            StringComparison.Ordinal));
        Assert.Equal(!isFull, failure.IsTransient);
    }

    /// <summary>What Distribution answers when it reads a manifest that another push is writing.</summary>
    [Theory]
    [InlineData(3, true)]
    [InlineData(4, false)]
    public async Task PutManifest_RightDigestThatIsCalledInvalid_IsSentAgainWithinTheBound(int refusals, bool isStored)
    {
        var puts = 0;
        _registry.Fault = request => request.Method == HttpMethod.Put && ++puts <= refusals
            ? MemoryRegistry.Error(HttpStatusCode.BadRequest, "DIGEST_INVALID") : null;
        using var client = _registry.Client();
        var manifest = ManifestWriter.Index([]);

        var put = Record.ExceptionAsync(() => client.PutManifestAsync("a/b", "1", manifest, Cancelled));

        Assert.Equal((isStored, isStored ? refusals + 1 : refusals), (await put is null, puts));
        Assert.Equal(isStored, await client.ResolveAsync("a/b", "1", Cancelled) is not null);
    }

    [Fact]
    public async Task Calls_NoAnswer_EndAfterTheTimeout()
    {
        var time = new Kubernetes.ManualTime();
        using var silent = new SilentHandler();
        using var client = new RegistryClient(silent, new Uri("https://registry.test"),
            new RegistryOptions { Time = time, Retry = new RetryPolicy(1, TimeSpan.Zero, TimeSpan.Zero) });
        var ping = client.PingAsync(Cancelled);
        await time.TimerAsync(delay => delay == TimeSpan.FromMinutes(1));
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Contains("no answer within 60 s", (await Assert.ThrowsAsync<RegistryException>(() => ping)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Token_OfTheNamedServer_IsFetchedOnceAndKeptPerScope()
    {
        var tokens = new List<string>();
        _registry.AddManifest("a", "1", ManifestWriter.Index([]).Bytes.ToArray(), MediaTypes.OciIndex);
        _registry.Fault = request => Guard(request, tokens);
        using var client = _registry.Client(logins: new OneLogin("registry.test"));
        Assert.NotNull(await client.ResolveAsync("a", "1", Cancelled));
        Assert.NotNull(await client.ResolveAsync("a", "1", Cancelled));
        Assert.Equal(["/token?service=s&scope=repository%3Aa%3Apull Basic dTpw"], tokens);
    }

    [Fact]
    public async Task Redirect_ToAnotherHost_CarriesNoLogin()
    {
        var hosts = new List<string>();
        _registry.Fault = request =>
        {
            hosts.Add($"{request.RequestUri!.Host} {request.Headers.Authorization?.Scheme}");
            if (request.RequestUri.Host == "storage.test")
                return new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent("blob") };
            if (request.Headers.Authorization is null)
                return Challenge("Basic realm=\"r\"");
            var answer = new HttpResponseMessage(HttpStatusCode.TemporaryRedirect);
            answer.Headers.Location = new Uri("https://storage.test/x?signature=1");
            return answer;
        };
        using var client = _registry.Client(logins: new OneLogin("registry.test"));
        await using var blob = await client.OpenBlobAsync("a", Digest.Compute("blob"u8), 0, Cancelled);
        Assert.Equal(["registry.test ", "registry.test Basic", "storage.test "], hosts);
    }

    [Theory]
    [InlineData("http://registry.test/x")]
    [InlineData("ftp://registry.test/x")]
    [InlineData("https://user@storage.test/x")]
    public async Task Redirect_AwayFromTls_IsNotFollowed(string location)
    {
        var calls = 0;
        _registry.Fault = _ =>
        {
            Assert.Equal(1, ++calls);
            var answer = new HttpResponseMessage(HttpStatusCode.TemporaryRedirect);
            answer.Headers.Location = new Uri(location);
            return answer;
        };
        using var client = _registry.Client(logins: new OneLogin("registry.test"));
        var exception =
            await Assert.ThrowsAsync<RegistryException>(() => client.OpenBlobAsync("a", Digest.Compute("blob"u8), 0, Cancelled));
        Assert.Contains("away from TLS", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Bearer realm=\"http://evil.test/token\"")]
    [InlineData("Bearer realm=\"https://user@evil.test/token\"")]
    [InlineData("Bearer realm=\"file:///etc/passwd\"")]
    public async Task Token_FromAnAddressWithoutTls_IsNotAsked(string challenge)
    {
        var calls = 0;
        _registry.Fault = _ => ++calls == 1 ? Challenge(challenge) : throw new InvalidOperationException("The login left.");
        using var client = _registry.Client(logins: new OneLogin("registry.test"));
        Assert.Contains("not an https address", (await Assert.ThrowsAsync<RegistryException>(() => client.PingAsync(Cancelled))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Blob_ThatBreaksOff_IsResumedWhereItBrokeOff()
    {
        var content = Fixtures.Bytes(10_000);
        _registry.AddBlob("a", content);
        var digest = Digest.Compute(content);
        var first = true;
        _registry.Fault = request =>
        {
            if (!first || !request.RequestUri!.AbsolutePath.Contains("/blobs/", StringComparison.Ordinal))
                return null;
            first = false;
            return new HttpResponseMessage(HttpStatusCode.OK) { Content = new StreamContent(new MemoryStream(content, 0, 4000)) };
        };
        using var client = _registry.Client();
        await using var reader = new BlobReader(new RegistrySource(client, "a"), new Descriptor("x", digest, content.Length),
            Fixtures.Impatient, TimeProvider.System);
        var read = new byte[content.Length];
        Assert.Equal(content.Length, await reader.ReadAsync(read, Cancelled));
        Assert.Equal(content, read);
        Assert.Equal(0, await reader.ReadAsync(new byte[10], Cancelled));
    }

    [Theory]
    [InlineData("http://registry.test")]
    [InlineData("ftp://registry.test")]
    public void Client_AddressWithoutTls_IsRefused(string address) =>
        Assert.Throws<ContentException>(() => new RegistryClient(_registry, new Uri(address)));

    private static HttpResponseMessage? Guard(HttpRequestMessage request, List<string> tokens)
    {
        if (request.RequestUri!.Host == "tokens.test")
        {
            tokens.Add($"{request.RequestUri.PathAndQuery} {request.Headers.Authorization}");
            return new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent("""{"token":"abc","expires_in":300}""") };
        }

        return request.Headers.Authorization?.ToString() == "Bearer abc" ? null
            : Challenge("Bearer realm=\"https://tokens.test/token\",service=\"s\",scope=\"repository:a:pull\"");
    }

    private static HttpResponseMessage Challenge(string challenge)
    {
        var answer = new HttpResponseMessage(HttpStatusCode.Unauthorized);
        answer.Headers.TryAddWithoutValidation("WWW-Authenticate", challenge);
        return answer;
    }

    private static HttpResponseMessage Busy(TimeSpan wait)
    {
        var answer = new HttpResponseMessage(HttpStatusCode.TooManyRequests);
        answer.Headers.RetryAfter = new RetryConditionHeaderValue(wait);
        return answer;
    }

    private sealed class OneLogin(string registry) : IRegistryLogins
    {
        public Task<Login?> FindAsync(string wanted, CancellationToken cancellationToken) =>
            Task.FromResult(wanted == registry ? new Login("u", "p") : null);
    }

    private sealed class SilentHandler : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
            return new HttpResponseMessage(HttpStatusCode.OK);
        }
    }

    private sealed class EndlessStream : MemoryStream
    {
        public override int Read(Span<byte> buffer) => buffer.Length;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => new(buffer.Length);
    }
}

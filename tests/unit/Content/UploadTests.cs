using System.Net;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;

namespace CapiRegistryHook.Unit.Tests.Content;

public sealed class UploadTests : IDisposable
{
    private const int Chunk = 1024;

    private readonly MemoryRegistry _registry = new();
    private readonly MemorySource _source = new();
    private long _sent;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 0)]
    [InlineData(1024, 0)]
    [InlineData(1025, 2)]
    [InlineData(3072, 3)]
    public async Task Upload_OfAnySize_ArrivesAndIsSentOnce(int length, int patches)
    {
        var blob = _source.AddBlob(MediaTypes.OciLayer, Fixtures.Bytes(length));
        Assert.False(await UploadAsync(blob));
        Assert.Equal(Fixtures.Bytes(length), _registry.Blobs[$"a/b@{blob.Digest}"]);
        Assert.Equal(length, _sent);
        Assert.Equal(patches, _registry.Calls.Count(call => call.StartsWith("PATCH", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Upload_CutBetweenChunks_GoesOnWhereTheRegistryIs()
    {
        var blob = _source.AddBlob(MediaTypes.OciLayer, Fixtures.Bytes(5 * Chunk));
        FailOnce(HttpMethod.Patch, place: 3);
        await UploadAsync(blob);
        Assert.Equal(5 * Chunk, _registry.Received);
        Assert.Single(_source.Opened);
    }

    [Fact]
    public async Task Upload_ChunkPartlyTaken_SendsTheRestOnly()
    {
        var blob = _source.AddBlob(MediaTypes.OciLayer, Fixtures.Bytes(3 * Chunk));
        var first = true;
        _registry.Fault = request =>
        {
            if (request.Method != HttpMethod.Patch || !first)
                return null;
            first = false;
            // Takes 400 bytes, then the connection is gone.
            using var part = new HttpRequestMessage(HttpMethod.Patch,
                request.RequestUri) { Content = new ByteArrayContent(Fixtures.Bytes(3 * Chunk), 0, 400) };
            using var invoker = new HttpMessageInvoker(_registry, disposeHandler: false);
            invoker.SendAsync(part, Cancelled).GetAwaiter().GetResult().Dispose();
            throw new HttpRequestException("reset");
        };
        await UploadAsync(blob);
        Assert.Equal(Fixtures.Bytes(3 * Chunk), _registry.Blobs[$"a/b@{blob.Digest}"]);
        Assert.Equal(3 * Chunk, _registry.Received);
    }

    [Fact]
    public async Task Upload_SessionLost_StartsTheBlobAnew()
    {
        var blob = _source.AddBlob(MediaTypes.OciLayer, Fixtures.Bytes(4 * Chunk));
        var patches = 0;
        _registry.Fault = request =>
        {
            if (request.Method == HttpMethod.Patch && ++patches == 3)
                _registry.LoseUploads();
            return null;
        };
        await UploadAsync(blob);
        Assert.Equal(Fixtures.Bytes(4 * Chunk), _registry.Blobs[$"a/b@{blob.Digest}"]);
        Assert.Equal(2, _source.Opened.Count);
    }

    [Fact]
    public async Task Upload_AnswerToTheLastRequestLost_FindsThatItArrived()
    {
        var blob = _source.AddBlob(MediaTypes.OciLayer, Fixtures.Bytes(2 * Chunk));
        var first = true;
        _registry.Fault = request =>
        {
            if (request.Method != HttpMethod.Put || !first)
                return null;
            first = false;
            _registry.AddBlob("a/b", Fixtures.Bytes(2 * Chunk));
            throw new HttpRequestException("reset");
        };
        await UploadAsync(blob);
        Assert.Equal(2 * Chunk, _registry.Received);
    }

    [Fact]
    public async Task Upload_RegistryThatNeverTakesIt_EndsWithASentence()
    {
        var blob = _source.AddBlob(MediaTypes.OciLayer, Fixtures.Bytes(2 * Chunk));
        _registry.Fault = request => request.Method == HttpMethod.Patch ? throw new HttpRequestException("reset") : null;
        var exception = await Assert.ThrowsAnyAsync<ContentException>(() => UploadAsync(blob));
        Assert.Contains(blob.Digest.ToString(), exception.Message, StringComparison.Ordinal);
        Assert.Empty(_registry.Blobs);
    }

    [Theory]
    [InlineData(HttpStatusCode.Forbidden)]
    [InlineData(HttpStatusCode.InsufficientStorage)]
    public async Task Upload_Refused_IsNotTriedAgainAndTheUploadIsRemoved(HttpStatusCode status)
    {
        var blob = _source.AddBlob(MediaTypes.OciLayer, Fixtures.Bytes(2 * Chunk));
        _registry.Fault = request => request.Method == HttpMethod.Patch ? MemoryRegistry.Error(status, "DENIED") : null;
        var exception = await Assert.ThrowsAsync<RegistryException>(() => UploadAsync(blob));
        Assert.Equal(status, exception.Status);
        Assert.Single(_registry.Calls, call => call.StartsWith("PATCH", StringComparison.Ordinal));
        Assert.Single(_registry.Calls, call => call.StartsWith("DELETE", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Upload_CorruptSource_IsNeverCompleted()
    {
        var blob = _source.AddBlob(MediaTypes.OciLayer, Fixtures.Bytes(3 * Chunk));
        _source.Files[blob.Digest] = Fixtures.Bytes(3 * Chunk, seed: 2);
        var exception = await Assert.ThrowsAsync<ContentException>(() => UploadAsync(blob));
        Assert.Contains("is corrupt", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(_registry.Calls, call => call.StartsWith("PUT", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(3071, "ends after 3071")]
    [InlineData(3073, "longer than")]
    public async Task Upload_SourceOfAnotherLength_IsRefused(int length, string reason)
    {
        var blob = _source.AddBlob(MediaTypes.OciLayer, Fixtures.Bytes(3 * Chunk));
        _source.Files[blob.Digest] = Fixtures.Bytes(length);
        Assert.Contains(reason, (await Assert.ThrowsAsync<ContentException>(() => UploadAsync(blob))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Upload_LocationOfAnotherHost_IsRefused()
    {
        var blob = _source.AddBlob(MediaTypes.OciLayer, Fixtures.Bytes(10));
        _registry.Fault = request =>
        {
            if (request.Method != HttpMethod.Post)
                return null;
            var answer = new HttpResponseMessage(HttpStatusCode.Accepted);
            answer.Headers.Location = new Uri("https://evil.test/v2/a/b/blobs/uploads/1");
            return answer;
        };
        Assert.Contains("evil.test", (await Assert.ThrowsAsync<RegistryException>(() => UploadAsync(blob))).Message,
            StringComparison.Ordinal);
        Assert.Equal(0, _sent);
    }

    public void Dispose() => _registry.Dispose();

    private void FailOnce(HttpMethod method, int place)
    {
        var count = 0;
        _registry.Fault = request => request.Method == method && ++count == place ? throw new HttpRequestException("reset") : null;
    }

    private async Task<bool> UploadAsync(Descriptor blob)
    {
        using var client = _registry.Client(Chunk);
        return await client.UploadAsync("a/b", blob, _source, mountFrom: null, bytes => Interlocked.Add(ref _sent, bytes), Cancelled);
    }
}

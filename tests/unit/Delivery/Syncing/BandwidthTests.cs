using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Delivery.Syncing;
using CapiRegistryHook.Unit.Tests.Kubernetes;

namespace CapiRegistryHook.Unit.Tests.Delivery.Syncing;

public sealed class BandwidthTests
{
    private readonly ManualTime _time = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TakeAsync_BeyondTheLimit_WaitsAsLongAsTheBytesTake()
    {
        var limit = new BandwidthLimit(1000, _time);
        await limit.TakeAsync(250, Cancelled);

        var next = limit.TakeAsync(1000, Cancelled).AsTask();

        _time.Advance(TimeSpan.FromMilliseconds(990));
        Assert.False(next.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(20));
        await next;
    }

    [Fact]
    public async Task TakeAsync_NoLimit_NeverWaits()
    {
        var limit = new BandwidthLimit(0, _time);
        for (var count = 0; count < 100; count++)
            await limit.TakeAsync(int.MaxValue, Cancelled);
    }

    /// <summary>Each limit has to agree, and what is written arrives whole and in order.</summary>
    [Fact]
    public async Task WriteAsync_TwoLimits_IsAsFastAsTheSlower()
    {
        using var below = new MemoryStream();
        await using var stream = new LimitedStream(below, [new BandwidthLimit(16 << 10, _time), new BandwidthLimit(1 << 30, _time)]);
        var bytes = new byte[40 << 10];
        new Random(1).NextBytes(bytes);

        var write = stream.WriteAsync(bytes, Cancelled).AsTask();
        for (var seconds = 0; !write.IsCompleted; seconds++)
        {
            Assert.InRange(below.Length, 0, (seconds + 1) * (16 << 10) + (4 << 10));
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        await write;
        Assert.Equal(bytes, below.ToArray());
    }

    /// <summary>Many registries that are filled at once share the limit; none of them may run out of time for that alone.</summary>
    [Fact]
    public async Task WriteAsync_ChunkOverAVerySlowLine_IsProgressUntilItsEnd()
    {
        var options = new RegistryOptions { Time = _time };
        using var deadline = new ProgressDeadline(options, Cancelled);
        using var chunk = new ChunkContent(new byte[256 << 10], deadline, _ => { });
        await using var line = new LimitedStream(new MemoryStream(), [new BandwidthLimit(1 << 10, _time)]);

        var copy = chunk.CopyToAsync(line, Cancelled);
        while (!copy.IsCompleted)
        {
            await Task.WhenAny(copy, _time.TimerAsync(delay => delay < options.Timeout));
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        await copy;
        Assert.False(deadline.Token.IsCancellationRequested);
    }
}

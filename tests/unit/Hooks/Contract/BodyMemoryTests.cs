using CapiRegistryHook.Hooks.Contract;
using Microsoft.AspNetCore.Http;

namespace CapiRegistryHook.Unit.Tests.Hooks.Contract;

/// <summary>What all bodies take together, and what becomes of a body that does not fit or does not come.</summary>
public sealed class BodyMemoryTests
{
    private readonly BodyMemory _memory = BodyMemory.ForHooks();

    [Fact]
    public void TryTake_MoreThanThereIs_TakesNothing()
    {
        Assert.True(_memory.TryTake(BodyMemory.MostForHooks - 10));
        Assert.False(_memory.TryTake(11));
        Assert.True(_memory.TryTake(10));
    }

    [Fact]
    public async Task ReadAsync_ManyLargeBodies_RefusesTheOneTooMany()
    {
        List<HookBody> held = [];
        var exception = await Assert.ThrowsAsync<HookRequestException>(async () =>
        {
            while (true)
                held.Add(await ReadAsync(new MemoryStream(new byte[HookBody.LongestBody])));
        });
        var count = held.Count;
        held.ForEach(body => body.Dispose());

        Assert.Equal(StatusCodes.Status503ServiceUnavailable, exception.StatusCode);
        Assert.InRange(count, 2, 4);
        using var later = await ReadAsync(new MemoryStream(new byte[HookBody.LongestBody]));
        Assert.Equal(HookBody.LongestBody, later.Written.Length);
    }

    [Fact]
    public async Task ReadAsync_BodiesGivenBack_LeaveNothingTaken()
    {
        for (var index = 0; index < 50; index++)
        {
            using var body = await ReadAsync(new MemoryStream(new byte[index * 40_000]));
            await Assert.ThrowsAsync<HookRequestException>(() => ReadAsync(new MemoryStream(new byte[HookBody.LongestBody + 1])));
        }

        Assert.True(_memory.TryTake(BodyMemory.MostForHooks));
    }

    private Task<HookBody> ReadAsync(Stream stream)
    {
        var http = new DefaultHttpContext();
        http.Request.Body = stream;
        return HookBody.ReadAsync(http.Request, _memory, TimeProvider.System, TestContext.Current.CancellationToken);
    }
}

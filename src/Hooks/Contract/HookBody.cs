using Microsoft.AspNetCore.Connections;

namespace CapiRegistryHook.Hooks.Contract;

/// <summary>
/// A whole request body, read up to a cap, within a time and out of the memory that all bodies share; giving it back frees that.
/// </summary>
internal sealed class HookBody : IDisposable
{
    /// <summary>Cluster API's own cap on bodies (20 MiB, since 1.14).</summary>
    public const int LongestBody = 20 * 1024 * 1024;

    /// <summary>
    /// What the web server itself lets through. More than the cap, so that it reads and drops the rest of a body that was
    /// refused: a sender whose connection is cut while it still writes never sees the answer.
    /// </summary>
    public const int LongestDroppedBody = 2 * LongestBody;

    /// <summary>Cluster API itself gives up on a whole call after this.</summary>
    public static readonly TimeSpan LongestRead = TimeSpan.FromSeconds(10);

    private readonly BodyMemory _memory;
    private readonly PooledBytes _bytes = new();
    private int _taken;

    private HookBody(BodyMemory memory) => _memory = memory;

    /// <summary>The bytes; valid until the body is disposed.</summary>
    public ReadOnlyMemory<byte> Written => _bytes.Written;

    /// <summary>Reads the body into rented memory that grows with what has really come.</summary>
    /// <exception cref="HookRequestException">It is longer than the cap, comes too slowly, or there is no room for it now.</exception>
    public static async Task<HookBody> ReadAsync(
        HttpRequest request, BodyMemory memory, TimeProvider time, CancellationToken cancellationToken)
    {
        if (request.ContentLength > memory.LongestBody)
            throw TooLong(memory);

        using var limit = new CancellationTokenSource(LongestRead, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        var body = new HookBody(memory);
        try
        {
            await body.FillAsync(request.Body, either.Token);
            return body;
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            body.Dispose();
            throw new HookRequestException("The body did not arrive within 10 s.") { StatusCode = StatusCodes.Status408RequestTimeout };
        }
        catch (IOException exception)
            when (exception is not (BadHttpRequestException or ConnectionResetException) && !cancellationToken.IsCancellationRequested)
        {
            // The web server has a fault of its own for most bodies that are not HTTP, but not for a chunk whose size overflows.
            body.Dispose();
            throw new HookRequestException("The body can't be read.");
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _bytes.Dispose();
        _memory.Give(_taken);
        _taken = 0;
    }

    private async Task FillAsync(Stream stream, CancellationToken cancellationToken)
    {
        int read;
        while ((read = await stream.ReadAsync(MakeRoom(), cancellationToken)) > 0)
        {
            _bytes.Advance(read);
            if (_bytes.Written.Length > _memory.LongestBody)
                throw TooLong(_memory);
        }
    }

    private Memory<byte> MakeRoom()
    {
        var room = _bytes.GetMemory();
        var more = _bytes.Capacity - _taken;
        if (!_memory.TryTake(more))
            throw new HookRequestException(
                "There are too many large requests at once; send it again.") { StatusCode = StatusCodes.Status503ServiceUnavailable };
        _taken += more;
        return room;
    }

    private static HookRequestException TooLong(BodyMemory memory) =>
        new($"The body is longer than {memory.LongestMebibytes} MiB.") { StatusCode = StatusCodes.Status413PayloadTooLarge };
}

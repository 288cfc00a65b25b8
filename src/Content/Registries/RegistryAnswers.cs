using System.Net;
using System.Text.Json;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Content.Registries;

/// <summary>Reads answers within bounds.</summary>
internal static class RegistryAnswers
{
    /// <summary>
    /// What CNCF Distribution 2 and 3 say of a volume that they can't write to, as error numbers and in words. The guard of the registry
    /// chart takes the permission to write when a volume is almost full.
    /// </summary>
    private static readonly string[] FullVolume = ["\"Err\":13", "\"Err\":28", "permission denied", "no space left on device"];

    private const int LargestError = 64 << 10;

    /// <summary>The body of an answer.</summary>
    /// <exception cref="ContentException">It is larger than allowed.</exception>
    public static async Task<ReadOnlyMemory<byte>> ReadBodyAsync(
        this HttpResponseMessage response, int largest, RegistryOptions options, CancellationToken cancellationToken)
    {
        var said = response.Content.Headers.ContentLength;
        if (said > largest)
            throw TooLarge(response, largest);
        // For all of it: what is read into memory is small.
        using var deadline = new ProgressDeadline(options, cancellationToken);
        try
        {
            return await ReadAsync(response, largest, deadline.Token);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new RegistryException($"{response.RequestMessage?.RequestUri?.Authority} did not finish its answer within "
                + $"{options.Timeout.TotalSeconds:F0} s.", exception) { IsTransient = true };
        }
    }

    private static async Task<ReadOnlyMemory<byte>> ReadAsync(
        HttpResponseMessage response, int largest, CancellationToken cancellationToken)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        // No more than a block is taken on the word of the other side.
        var buffer = new byte[Math.Clamp(response.Content.Headers.ContentLength ?? 0, 16 << 10, 1 << 20)];
        var length = 0;
        while (await stream.ReadAsync(buffer.AsMemory(length), cancellationToken) is var read and > 0)
        {
            length += read;
            if (length > largest)
                throw TooLarge(response, largest);
            if (length == buffer.Length)
                Array.Resize(ref buffer, (int)Math.Min(largest + 1L, buffer.Length * 2L));
        }

        return buffer.AsMemory(0, length);
    }

    /// <summary>The sentence for an answer that is not the expected one.</summary>
    public static async Task<RegistryException> ToExceptionAsync(
        this HttpResponseMessage response, string what, RegistryOptions options, CancellationToken cancellationToken)
    {
        var (code, message, isFull) = await ReadErrorAsync(response, options, cancellationToken);
        var status = (int)response.StatusCode;
        var details = string.Concat(code is null ? "" : $" {code}", message is null ? "" : $" ({message.TrimEnd('.')})");
        var host = response.RequestMessage?.RequestUri?.Authority;
        var remedy = response.StatusCode == HttpStatusCode.Unauthorized ? $"; check the login for {options.LoginName ?? host}"
            : isFull ? "; its volume takes no pushes, because it is full or almost full: remove content, or make it larger" : "";
        return new RegistryException($"{host} can't {what}: it answered {status}{details}{remedy}.")
        {
            Status = response.StatusCode,
            Code = code,
            IsTransient = IsTransient(status) && !isFull,
        };
    }

    /// <summary>True for answers of servers that are busy, starting or behind a proxy that lost them.</summary>
    public static bool IsTransient(int status) => status is 408 or 429 or 500 or 502 or 503 or 504;

    private static async Task<(string? Code, string? Message, bool IsFull)> ReadErrorAsync(
        HttpResponseMessage response, RegistryOptions options, CancellationToken cancellationToken)
    {
        try
        {
            using var document = JsonDocument.Parse(await response.ReadBodyAsync(LargestError, options, cancellationToken));
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("errors", out var errors)
                || errors.ValueKind != JsonValueKind.Array)
                return default;
            var first = errors.EnumerateArray().FirstOrDefault();
            if (first.ValueKind != JsonValueKind.Object)
                return default;
            var isFull = response.StatusCode == HttpStatusCode.InternalServerError && first.TryGetProperty("detail", out var detail)
                && detail.GetRawText() is var text && Array.Exists(FullVolume, sign => text.Contains(sign, StringComparison.Ordinal));
            return (Short(DescriptorJson.Text(first, "code")), Short(DescriptorJson.Text(first, "message")), isFull);
        }
        catch (Exception exception) when (exception is JsonException or ContentException or IOException or HttpRequestException)
        {
            return default;
        }
    }

    private static string? Short(string? text) => text is { Length: > 0 } ? Digest.Shorten(text) : null;

    private static RegistryException TooLarge(HttpResponseMessage response, int largest) =>
        new($"{response.RequestMessage?.RequestUri?.Authority} answered with more than {largest} bytes.");
}

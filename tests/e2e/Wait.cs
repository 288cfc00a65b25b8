using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>Waits, within a bound, for what the service does by itself.</summary>
internal static class Wait
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>Asks again and again; after the bound the exception names the thing and adds the detail.</summary>
    public static async Task UntilAsync(string what, Func<Task<bool>> isSo, Func<string> detail, CancellationToken cancellationToken)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!await isSo())
        {
            if (TimeProvider.System.GetElapsedTime(started) > Bound)
                throw new TimeoutException($"Not within {Bound.TotalSeconds} s: {what}.\n{detail()}");
            await Task.Delay(Pause, TimeProvider.System, cancellationToken);
        }
    }

    /// <summary>Waits for a line of the metrics.</summary>
    public static async Task ShowsAsync(this HookService service, string line, CancellationToken cancellationToken)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        var page = "";
        await UntilAsync(
            $"the metrics show {line}",
            async () => (page = await http.GetStringAsync(new Uri(service.MetricsAddress, "/metrics"), cancellationToken)).Contains(
                line + "\n", StringComparison.Ordinal),
            () => page + service.Log, cancellationToken);
    }

    /// <summary>Waits for words in the log of the service.</summary>
    public static Task LoggedAsync(this HookService service, string words, CancellationToken cancellationToken) => UntilAsync(
        $"the log says \"{words}\"", () => Task.FromResult(service.Log.Contains(words, StringComparison.Ordinal)), () => service.Log,
        cancellationToken);
}

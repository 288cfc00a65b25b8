using CapiRegistryHook.Hooks.Serving;
using CapiRegistryHook.Registry.Serving;
using CapiRegistryHook.Unit.Tests.Kubernetes;
using Microsoft.Extensions.Logging;

namespace CapiRegistryHook.Unit.Tests.Hooks;

/// <summary>When content is read again, and what the log says of it.</summary>
public sealed class ReloaderTests
{
    private readonly ManualTime _time = new();
    private readonly List<string> _log = [];

    [Fact]
    public async Task Run_EveryInterval_ReloadsAndLogsNewsAndEachComplaintOnce()
    {
        var answers = new Queue<Func<string?>>([
            () => null, () => "New.", () => throw new ServingCertificateException("Bad.", new IOException()),
            () => throw new ServingCertificateException("Bad.", new IOException()), () => null,
            () => throw new ServingCertificateException("Bad.", new IOException())]);
        using var reloader = new Reloader([new Scripted(answers)], _time, new ListLogger(_log));
        await reloader.StartAsync(TestContext.Current.CancellationToken);

        await _time.TimerAsync(delay => delay == Reloader.Interval);
        while (answers.Count > 0)
            _time.Advance(Reloader.Interval);
        await reloader.StopAsync(TestContext.Current.CancellationToken);

        Assert.Equal(["New.", "The former content stays in use. Bad.", "The former content stays in use. Bad."], _log);
    }

    private sealed class Scripted(Queue<Func<string?>> answers) : IReloadable
    {
        public string Name => "The former content";

        public Task<string?> ReloadAsync(CancellationToken cancellationToken) =>
            Task.FromResult(answers.TryDequeue(out var answer) ? answer() : null);
    }

    private sealed class ListLogger(List<string> lines) : ILogger<Reloader>
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            lines.Add(formatter(state, exception));
    }
}

using System.Collections.Concurrent;

namespace CapiRegistryHook.Hooks.Operations;

/// <summary>
/// The calls of all hooks. Labels are hook and outcome alone, both from lists that this program fixes: a Cluster's name as a
/// label would make the number of series grow with the fleet.
/// </summary>
internal sealed class HookMetrics : IMetricsSource
{
    private static readonly (CallOutcome Outcome, string Label)[] Outcomes =
        [.. Enum.GetValues<CallOutcome>().Select(outcome => (outcome, LabelOf(outcome)))];

    private readonly ConcurrentDictionary<string, CallSeries> _hooks = new(StringComparer.Ordinal);

    /// <summary>The series of a hook; asked for when routes are made, so that a hook shows up with zeros before its first call.</summary>
    public CallSeries Of(string hook) => _hooks.GetOrAdd(hook, static _ => new CallSeries());

    public void WriteTo(MetricsText text)
    {
        var hooks = _hooks.OrderBy(entry => entry.Key, StringComparer.Ordinal).ToList();
        text.Family(ServiceMetrics.Calls);
        foreach (var (hook, series) in hooks)
        {
            foreach (var (outcome, label) in Outcomes)
                text.Sample(ServiceMetrics.Calls, series.Count(outcome), hook, label);
        }

        text.Family(ServiceMetrics.CallDuration);
        foreach (var (hook, series) in hooks)
            series.WriteDurations(text, hook);
    }

    private static string LabelOf(CallOutcome outcome) => outcome switch
    {
        CallOutcome.Success => "success",
        CallOutcome.Blocked => "blocked",
        CallOutcome.LetGo => "let_go",
        CallOutcome.HandedOver => "handed_over",
        CallOutcome.Failure => "failure",
        CallOutcome.Refused => "refused",
        CallOutcome.Aborted => "aborted",
        _ => "error",
    };
}

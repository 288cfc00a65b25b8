using CapiRegistryHook.Kubernetes.Client;

namespace CapiRegistryHook.Registry.Access;

/// <summary>Counts the calls of API servers by how they ended. Any number of threads, no locks.</summary>
public sealed class ApiCallCounts
{
    private static readonly string[] Outcomes = ["success", .. Enum.GetValues<KubernetesFault>().Select(LabelOf)];

    private readonly long[] _management = new long[Outcomes.Length];
    private readonly long[] _workload = new long[Outcomes.Length];

    /// <summary>Which server (management or workload), how the calls ended, and how many; those that never happened are left out.</summary>
    public IEnumerable<(string Server, string Outcome, long Count)> Read() =>
        Read("management", _management).Concat(Read("workload", _workload));

    internal void CountManagement(KubernetesFault? fault) => Interlocked.Increment(ref _management[IndexOf(fault)]);

    internal void CountWorkload(KubernetesFault? fault) => Interlocked.Increment(ref _workload[IndexOf(fault)]);

    private static IEnumerable<(string Server, string Outcome, long Count)> Read(string server, long[] counts) => Outcomes
        .Select((outcome, index) => (server, outcome, Interlocked.Read(ref counts[index])))
        .Where(entry => entry.Item3 > 0 || entry.outcome == Outcomes[0]);

    private static int IndexOf(KubernetesFault? fault) => fault is { } known ? (int)known + 1 : 0;

    private static string LabelOf(KubernetesFault fault) => fault switch
    {
        KubernetesFault.NotFound => "not_found",
        KubernetesFault.AlreadyExists => "already_exists",
        KubernetesFault.Conflict => "conflict",
        KubernetesFault.Gone => "gone",
        KubernetesFault.Invalid => "invalid",
        KubernetesFault.Forbidden => "forbidden",
        KubernetesFault.Unauthorized => "unauthorized",
        KubernetesFault.TooManyRequests => "too_many_requests",
        KubernetesFault.Unavailable => "unavailable",
        KubernetesFault.Timeout => "timeout",
        KubernetesFault.Unreachable => "unreachable",
        KubernetesFault.UntrustedServer => "untrusted_server",
        KubernetesFault.BadResponse => "bad_response",
        _ => "other",
    };
}

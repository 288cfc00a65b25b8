using CapiRegistryHook.Kubernetes.Connection;

namespace CapiRegistryHook.Kubernetes.Client;

/// <summary>How long a client waits, how often it tries, how much it reads.</summary>
public sealed record KubernetesClientOptions
{
    /// <summary>Limit of one attempt, 10 ms to 5 min; 3 s by default, so that a hook with 8 s in all survives one attempt that
    /// hangs.</summary>
    public TimeSpan CallTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Limit of a call with all its attempts and pauses, from <see cref="CallTimeout"/> to 10 min; 6 s by default.</summary>
    public TimeSpan TotalTimeout { get; init; } = TimeSpan.FromSeconds(6);

    /// <summary>Attempts per call, 1 to 20; 4 by default.</summary>
    public int MaxAttempts { get; init; } = 4;

    /// <summary>
    /// Calls sent at the same time, 1 to 1,000; 32 by default. More wait for their turn, which is not counted as time of the call. Watches
    /// and port-forwards are not counted.
    /// </summary>
    public int MaxCallsInFlight { get; init; } = 32;

    /// <summary>Upper end of the first pause, doubled with each attempt, 1 ms to 1 min; 100 ms by default.</summary>
    public TimeSpan BackoffBase { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Upper end of any pause that the server did not ask for, from <see cref="BackoffBase"/> to 5 min; 2 s by default.</summary>
    public TimeSpan BackoffCap { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>What the API server's audit log shows as the caller; printable ASCII, 1 to 200 characters.</summary>
    public string UserAgent { get; init; } = "capi-registry-hook";

    /// <summary>Largest body that is read, 1 KiB to 1 GiB; 32 MiB by default: twenty times the largest object etcd takes, or a full page of
    /// middling ones.</summary>
    public int MaxResponseBytes { get; init; } = 32 * 1024 * 1024;

    /// <summary>
    /// What a client of a workload cluster reads at most: its users may be anybody's, and the objects needed from it are small.
    /// </summary>
    internal const int WorkloadResponseBytes = 1024 * 1024;

    /// <summary>Upper end of the pause between two tries of a broken watch, 10 ms to 10 min; 30 s by default.</summary>
    public TimeSpan WatchBackoffCap { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// A watch that is silent for longer is opened anew where it was, 10 ms to 1 h; 150 s by default. API servers send a bookmark
    /// about every minute, so two and a half minutes of silence mean a connection that died without a word.
    /// </summary>
    public TimeSpan WatchIdleTimeout { get; init; } = TimeSpan.FromSeconds(150);

    /// <summary>A port-forward that is silent for longer is pinged, which also keeps it from being closed as idle; 10 ms to 10 min, 15 s by
    /// default.</summary>
    public TimeSpan ForwardPingInterval { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// A port-forward on which nothing arrives for longer after a ping has broken, 10 ms to 10 min; 1 min by default: the answer comes
    /// from the node, behind what was written before it. Port-forwards in WebSockets have no such limit.
    /// </summary>
    public TimeSpan ForwardPongTimeout { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Makes the way to a server; tests put a server without a network there.</summary>
    internal Func<ClusterConnection, HttpMessageHandler> CreateHandler { get; init; } = ConnectionHandler.Create;

    /// <summary>
    /// Told of every attempt that came to an end, from many threads at once; null as fault means that it succeeded. Streams are left out.
    /// </summary>
    public Action<KubernetesFault?>? OnAttempt { get; init; }

    /// <summary>Checks every range.</summary>
    /// <exception cref="ArgumentException">One or more values are out of range; the message names them all.</exception>
    public void Validate()
    {
        List<string> bad = [];
        Check(bad, nameof(CallTimeout), CallTimeout, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(5));
        Check(bad, nameof(TotalTimeout), TotalTimeout, CallTimeout, TimeSpan.FromMinutes(10));
        Check(bad, nameof(MaxAttempts), MaxAttempts, 1, 20);
        Check(bad, nameof(MaxCallsInFlight), MaxCallsInFlight, 1, 1000);
        Check(bad, nameof(BackoffBase), BackoffBase, TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(1));
        Check(bad, nameof(BackoffCap), BackoffCap, BackoffBase, TimeSpan.FromMinutes(5));
        Check(bad, nameof(MaxResponseBytes), MaxResponseBytes, 1024, 1024 * 1024 * 1024);
        Check(bad, nameof(WatchBackoffCap), WatchBackoffCap, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(10));
        Check(bad, nameof(WatchIdleTimeout), WatchIdleTimeout, TimeSpan.FromMilliseconds(10), TimeSpan.FromHours(1));
        Check(bad, nameof(ForwardPingInterval), ForwardPingInterval, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(10));
        Check(bad, nameof(ForwardPongTimeout), ForwardPongTimeout, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(10));
        if (UserAgent is not { Length: > 0 and <= 200 } || UserAgent.Any(c => c is < ' ' or > '~'))
            bad.Add($"{nameof(UserAgent)} must be 1 to 200 printable ASCII characters");
        if (bad.Count > 0)
            throw new ArgumentException(string.Join("; ", bad) + ".");
    }

    private static void Check<T>(List<string> bad, string name, T value, T least, T most)
        where T : IComparable<T>
    {
        if (value.CompareTo(least) < 0 || value.CompareTo(most) > 0)
            bad.Add($"{name} must be from {least} to {most}, but is {value}");
    }
}

using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Registry.Release;

/// <summary>
/// How far a registry is with the admin's decisions. It lies in annotations of the HelmChartProxy, written together with the values, so
/// that another process that takes over knows which registries were just changed.
/// </summary>
/// <param name="Revision">The revision that was written last.</param>
/// <param name="Since">When it was written.</param>
internal sealed record ReleaseProgress(string Revision, DateTimeOffset Since)
{
    /// <summary>On the HelmChartProxy: the admin's values that are part of <see cref="Revision"/>.</summary>
    public const string AdminValuesKey = Prefix + "admin-values";

    private const string Prefix = "capi-registry-hook.io/release-";
    private const string RevisionKey = Prefix + "revision";
    private const string SinceKey = Prefix + "since";
    private const string ServedKey = Prefix + "served";

    /// <summary>The clocks of replicas differ by less than this.</summary>
    private static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(5);

    /// <summary>No revision: the registry has served one, and which its pods run now is yet to be seen.</summary>
    private const string Unknown = "unknown";

    /// <summary>The revision that all pods were last seen to run; null when the registry never served yet.</summary>
    public string? Served { get; init; }

    /// <summary>All pods run what was written last.</summary>
    public bool IsServed => Served == Revision;

    /// <summary>A registry that served has been changed, and its pods have not been seen with the change.</summary>
    public bool IsInProgress => Served is not null && !IsServed;

    /// <summary>Null when the annotations do not say all of it.</summary>
    public static ReleaseProgress? Read(IReadOnlyDictionary<string, string>? annotations) =>
        annotations?.GetValueOrDefault(RevisionKey) is { } revision
        && KubernetesTime.TryParse(annotations.GetValueOrDefault(SinceKey), out var since)
            ? new ReleaseProgress(revision, since) { Served = annotations.GetValueOrDefault(ServedKey) }
            : null;

    /// <summary>Whether the pods should have followed by now. A moment to come, by a clock that was ahead, is no reason to wait.</summary>
    public bool IsOverdue(TimeSpan limit, DateTimeOffset now) => (now - Since).Duration() > limit;

    /// <summary>The same after a revision was written. To write a former one again is a change like any other.</summary>
    public static ReleaseProgress After(ReleaseProgress? before, string revision, DateTimeOffset now) =>
        before?.Revision == revision ? before with { Since = before.IsInProgress && before.Since > now + ClockSkew ? now : before.Since }
        : new ReleaseProgress(revision, now) { Served = before?.Served == revision ? Unknown : before?.Served };

    /// <summary>Adds the annotations that say it.</summary>
    public void AddTo(Dictionary<string, string> annotations)
    {
        annotations[RevisionKey] = Revision;
        annotations[SinceKey] = KubernetesTime.Format(Since);
        if (Served is not null)
            annotations[ServedKey] = Served;
    }
}

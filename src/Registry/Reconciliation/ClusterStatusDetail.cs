namespace CapiRegistryHook.Registry.Reconciliation;

/// <summary>One cluster's registry in depth, by the objects of the management cluster.</summary>
/// <param name="Summary">What the table of all registries says of it.</param>
public sealed record ClusterStatusDetail(ClusterStatus Summary)
{
    /// <summary>The addresses of the Service that nodes pull from; empty without a registry.</summary>
    public IReadOnlyList<string> PullAddresses { get; init; } = [];

    /// <summary>The addresses of the Service that clients push to; empty without a registry.</summary>
    public IReadOnlyList<string> PrimaryAddresses { get; init; } = [];

    /// <summary>The DNS names and addresses that the certificate is to have; empty without a registry.</summary>
    public IReadOnlyList<string> Names { get; init; } = [];

    /// <summary>The server certificate; null where none is known.</summary>
    public CertificateReport? Certificate { get; init; }

    /// <summary>The roots that new nodes trust, oldest first; empty before the cluster has a trust bundle.</summary>
    public IReadOnlyList<TrustedRootReport> TrustedRoots { get; init; } = [];

    /// <summary>The release of the registry chart; null when it is not installed.</summary>
    public ReleaseStatus? Release { get; init; }

    /// <summary>What was reported about the registry in the last hour or so, newest first; at most 20.</summary>
    public IReadOnlyList<EventReport> Events { get; init; } = [];
}

/// <summary>A registry's server certificate.</summary>
/// <param name="Serial">Serial number in lower-case hex.</param>
/// <param name="Issuer">The root that issued it: the first 16 hex digits of the SHA-256 of its certificate.</param>
/// <param name="RootGeneration">The same root, counted from 1; null when it is not one of the roots there are now.</param>
/// <param name="NotBefore">Its first second.</param>
/// <param name="NotAfter">Its last second.</param>
/// <param name="RenewAt">When the reconciler renews it.</param>
/// <param name="IsServed">Whether all replicas were seen serving it.</param>
public sealed record CertificateReport(
    string Serial, string Issuer, int? RootGeneration, DateTimeOffset NotBefore, DateTimeOffset NotAfter, DateTimeOffset RenewAt,
    bool IsServed);

/// <summary>A root in a cluster's trust bundle.</summary>
/// <param name="Thumbprint">SHA-256 of the certificate in lower-case hex.</param>
/// <param name="Generation">Counted from 1; null when it is not one of the roots there are now.</param>
/// <param name="NotAfter">Its last second.</param>
public sealed record TrustedRootReport(string Thumbprint, int? Generation, DateTimeOffset NotAfter)
{
    /// <summary>Since when new nodes trust it; null where that is not known.</summary>
    public DateTimeOffset? Since { get; init; }
}

/// <summary>The release of the registry chart, as it was requested and as the add-on provider reports it.</summary>
/// <param name="Chart">Repository and name of the chart.</param>
/// <param name="Version">Version of the chart; empty when none is named.</param>
public sealed record ReleaseStatus(string Chart, string Version)
{
    /// <summary>The revision of the admin's values and chart; null where none is known.</summary>
    public string? Revision { get; init; }

    /// <summary>When that was written; null where it is not known.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Whether all replicas were seen running it.</summary>
    public bool IsServed { get; init; }

    /// <summary>Helm's word for the state of the release, for example <c>deployed</c>; null where it is not known.</summary>
    public string? HelmStatus { get; init; }

    /// <summary>Helm's revision of the release; null where it is not known.</summary>
    public long? HelmRevision { get; init; }

    /// <summary>The conditions of the HelmReleaseProxy, or of the HelmChartProxy where that can't be read.</summary>
    public IReadOnlyList<ConditionReport> Conditions { get; init; } = [];
}

/// <summary>An Event on a Cluster about its registry.</summary>
/// <param name="At">When it happened.</param>
/// <param name="IsWarning">Whether somebody may have to act.</param>
/// <param name="Reason">Why, as one word.</param>
/// <param name="Note">Why, as sentences.</param>
public sealed record EventReport(DateTimeOffset At, bool IsWarning, string Reason, string Note);

namespace CapiRegistryHook.Dashboard.Model;

/// <summary>All registries as the page shows them. It holds no secret: addresses, names, times, and sentences.</summary>
/// <param name="ReadAt">When it was read.</param>
/// <param name="Revision">Counts changes since the program started; 0 in a file.</param>
/// <param name="Program">The version of this program.</param>
/// <param name="Clusters">One row per Cluster, by namespace and name.</param>
/// <param name="Roots">The roots, oldest first; empty where they can't be read.</param>
public sealed record FleetPage(
    DateTimeOffset ReadAt, int Revision, string Program, IReadOnlyList<ClusterRow> Clusters, IReadOnlyList<RootRow> Roots)
{
    /// <summary>The rotation of the root that is in progress; null when there is none.</summary>
    public RotationRow? Rotation { get; init; }

    /// <summary>How far the decisions of the admin that were written last are; null before the first one.</summary>
    public RolloutRow? Rollout { get; init; }
}

/// <summary>One Cluster.</summary>
/// <param name="Namespace">Its namespace.</param>
/// <param name="Name">Its name.</param>
/// <param name="Phase">The phase of its registry.</param>
public sealed record ClusterRow(string Namespace, string Name, string Phase)
{
    /// <summary>What is wrong or awaited.</summary>
    public string? Problem { get; init; }

    /// <summary>Where nodes pull from.</summary>
    public string? Endpoint { get; init; }

    /// <summary>Which root issued the certificate, counted from 1.</summary>
    public int? RootGeneration { get; init; }

    /// <summary>The certificate.</summary>
    public CertificateRow? Certificate { get; init; }

    /// <summary>The release of the registry chart.</summary>
    public ReleaseRow? Release { get; init; }

    /// <summary>How full the fullest volume is, 0 to 100; null where that is not known.</summary>
    public int? DiskPercent { get; init; }
}

/// <summary>The server certificate of a registry.</summary>
/// <param name="Serial">Serial number in lower-case hex.</param>
/// <param name="Issuer">The id of its root.</param>
/// <param name="NotBefore">Its first second.</param>
/// <param name="Renewal">When the service renews it.</param>
/// <param name="NotAfter">Its last second.</param>
/// <param name="Served">Whether all replicas were seen serving it.</param>
public sealed record CertificateRow(
    string Serial, string Issuer, DateTimeOffset NotBefore, DateTimeOffset Renewal, DateTimeOffset NotAfter, bool Served);

/// <summary>The release of the registry chart.</summary>
/// <param name="Chart">Version of the chart.</param>
/// <param name="Revision">The revision of the admin's values and chart; null where none is known.</param>
/// <param name="Since">When that was written.</param>
/// <param name="Served">Whether all replicas were seen running it.</param>
public sealed record ReleaseRow(string Chart, string? Revision, DateTimeOffset? Since, bool Served);

/// <summary>A root.</summary>
/// <param name="Id">The first 16 hex digits of the SHA-256 of its certificate.</param>
/// <param name="Generation">Counted from 1; 0 where that is not known any more.</param>
/// <param name="NotBefore">Its first second.</param>
/// <param name="NotAfter">Its last second.</param>
/// <param name="Role">Signing, Next or Former.</param>
/// <param name="Compromised">Whether its key may have leaked.</param>
public sealed record RootRow(
    string Id, int Generation, DateTimeOffset NotBefore, DateTimeOffset NotAfter, string Role, bool Compromised)
{
    /// <summary>When it is rotated without a request; null when it does not sign, or is managed elsewhere.</summary>
    public DateTimeOffset? Rotation { get; init; }
}

/// <summary>A rotation of the root.</summary>
/// <param name="Phase">Prepare, Switch or Drain.</param>
/// <param name="From">The generation that is left.</param>
/// <param name="To">The generation that follows.</param>
/// <param name="Done">Registries that are through with this phase.</param>
/// <param name="Total">Registries that have to be.</param>
/// <param name="Holding">Those that are not, the first of them.</param>
public sealed record RotationRow(string Phase, int From, int To, int Done, int Total, IReadOnlyList<HolderRow> Holding);

/// <summary>A rollout of the admin's values or a new chart.</summary>
/// <param name="State">Done, Running, Waiting or Stopped.</param>
/// <param name="Revision">The revision that was written last.</param>
/// <param name="Chart">The version of its chart.</param>
/// <param name="Since">When it was written for the first registry that has it.</param>
/// <param name="Done">Registries that run it.</param>
/// <param name="Total">Registries that are installed.</param>
/// <param name="Waiting">Registries with an earlier revision.</param>
/// <param name="Changing">Those whose pods are changing, the first of them.</param>
/// <param name="Failed">Those whose pods did not come up with it in time, the first of them.</param>
public sealed record RolloutRow(
    string State, string Revision, string Chart, DateTimeOffset Since, int Done, int Total, int Waiting,
    IReadOnlyList<HolderRow> Changing, IReadOnlyList<HolderRow> Failed);

/// <summary>A registry that something waits for.</summary>
/// <param name="Namespace">The namespace of its Cluster.</param>
/// <param name="Name">The name of its Cluster.</param>
/// <param name="Since">Since when; null where that is not known.</param>
/// <param name="Reason">Why, as sentences; null where that is not known.</param>
public sealed record HolderRow(string Namespace, string Name, DateTimeOffset? Since, string? Reason);

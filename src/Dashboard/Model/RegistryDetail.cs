namespace CapiRegistryHook.Dashboard.Model;

/// <summary>One registry in depth. What could not be read is null, and a sentence says why.</summary>
/// <param name="ReadAt">When it was read.</param>
public sealed record RegistryDetail(DateTimeOffset ReadAt)
{
    /// <summary>Why the workload cluster could not be asked.</summary>
    public string? Problem { get; init; }

    /// <summary>The addresses of its Services.</summary>
    public IReadOnlyList<AddressRow> Addresses { get; init; } = [];

    /// <summary>Names and addresses in the certificate.</summary>
    public IReadOnlyList<string> Names { get; init; } = [];

    /// <summary>The certificate that was issued last.</summary>
    public CertificateRow? Certificate { get; init; }

    /// <summary>Which root issued it, counted from 1.</summary>
    public int? RootGeneration { get; init; }

    /// <summary>The roots that its nodes trust, oldest first.</summary>
    public IReadOnlyList<TrustRow> Trust { get; init; } = [];

    /// <summary>The replicas as they serve now; null when they were not asked.</summary>
    public IReadOnlyList<ReplicaRow>? Replicas { get; init; }

    /// <summary>Why the replicas were not asked.</summary>
    public string? ReplicaProblem { get; init; }

    /// <summary>The volumes; null where nothing is known.</summary>
    public IReadOnlyList<VolumeRow>? Volumes { get; init; }

    /// <summary>Why the volumes are not known.</summary>
    public string? VolumeProblem { get; init; }

    /// <summary>The release; null when it is not installed.</summary>
    public ReleaseDetail? Release { get; init; }

    /// <summary>What happened lately, newest first; null where Events can't be read.</summary>
    public IReadOnlyList<EventRow>? Events { get; init; }

    /// <summary>What would change with the next upgrade of the cluster; null when the registry is not installed.</summary>
    public UpgradeRow? Upgrade { get; init; }
}

/// <summary>The addresses of a Service.</summary>
/// <param name="Use">What clients do there.</param>
/// <param name="Addresses">The addresses, with the port.</param>
public sealed record AddressRow(string Use, IReadOnlyList<string> Addresses);

/// <summary>A root that nodes trust.</summary>
/// <param name="Id">The first 16 hex digits of the SHA-256 of its certificate.</param>
/// <param name="Generation">Counted from 1; null where that is not known.</param>
/// <param name="NotAfter">Its last second.</param>
/// <param name="Since">Since when it is in the bundle; null where that is not known.</param>
public sealed record TrustRow(string Id, int? Generation, DateTimeOffset NotAfter, DateTimeOffset? Since);

/// <summary>A pod of the registry.</summary>
/// <param name="Pod">Its name.</param>
/// <param name="Ready">Whether Services send it connections.</param>
/// <param name="Answer">Current, Other, Untrusted or Unreachable.</param>
/// <param name="Chain">The certificates that it serves, and the root that they lead to.</param>
public sealed record ReplicaRow(string Pod, bool Ready, string Answer, IReadOnlyList<ChainRow> Chain)
{
    /// <summary>The phase of a pod that is not ready.</summary>
    public string? State { get; init; }

    /// <summary>Whether it runs the release that was written last, in words.</summary>
    public string? Release { get; init; }

    /// <summary>Whether it takes pushes.</summary>
    public bool IsPrimary { get; init; }
}

/// <summary>A certificate of a chain.</summary>
/// <param name="Subject">Whose it is.</param>
/// <param name="Issuer">Who signed it.</param>
/// <param name="Serial">Serial number in lower-case hex; empty for a root.</param>
/// <param name="NotAfter">Its last second.</param>
/// <param name="IsRoot">Whether it is the root that the nodes trust; they have it already, so it is not served.</param>
public sealed record ChainRow(string Subject, string Issuer, string Serial, DateTimeOffset NotAfter, bool IsRoot);

/// <summary>A volume claim.</summary>
/// <param name="Claim">Its name.</param>
/// <param name="Phase">Bound, Pending or Lost.</param>
/// <param name="Capacity">Its size as Kubernetes writes it.</param>
/// <param name="StorageClass">Its class.</param>
/// <param name="Used">Bytes in use; null where no kubelet has measured them.</param>
public sealed record VolumeRow(string Claim, string? Phase, string? Capacity, string? StorageClass, long? Used);

/// <summary>The release of the registry chart.</summary>
/// <param name="Chart">Repository and name.</param>
/// <param name="Version">Version.</param>
/// <param name="Served">Whether all replicas were seen running it.</param>
/// <param name="Conditions">What the add-on provider says of it.</param>
public sealed record ReleaseDetail(string Chart, string Version, bool Served, IReadOnlyList<ConditionRow> Conditions)
{
    /// <summary>The revision of the admin's values and chart.</summary>
    public string? Revision { get; init; }

    /// <summary>When that was written.</summary>
    public DateTimeOffset? Since { get; init; }
}

/// <summary>A condition.</summary>
/// <param name="Type">What it is about.</param>
/// <param name="Status">True, False or Unknown.</param>
/// <param name="Reason">Why, as one word.</param>
/// <param name="Message">Why, as sentences.</param>
public sealed record ConditionRow(string Type, string Status, string Reason, string Message);

/// <summary>An Event.</summary>
/// <param name="Id">Tells it from the others of the list.</param>
/// <param name="Time">When it happened.</param>
/// <param name="Type">Normal or Warning.</param>
/// <param name="Reason">Why, as one word.</param>
/// <param name="Note">What happened, as sentences.</param>
public sealed record EventRow(string Id, DateTimeOffset? Time, string Type, string Reason, string Note);

/// <summary>What the next upgrade of the cluster would change.</summary>
/// <param name="Changes">One per thing that changes.</param>
/// <param name="Notes">What has to be known about them, as sentences.</param>
public sealed record UpgradeRow(IReadOnlyList<ChangeRow> Changes, IReadOnlyList<string> Notes);

/// <summary>A change.</summary>
/// <param name="What">What changes, such as the path of a value.</param>
/// <param name="From">What it is now; null when it is not set.</param>
/// <param name="To">What it will be; null when it is not set any more.</param>
public sealed record ChangeRow(string What, string? From, string? To);

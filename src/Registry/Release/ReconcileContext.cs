using CapiRegistryHook.Certificates;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.ServerCertificates;
using CapiRegistryHook.Registry.Trust;
using CapiRegistryHook.Registry.Volumes;

namespace CapiRegistryHook.Registry.Release;

/// <summary>What one attempt on a Cluster has found and done so far, also when it is cut short.</summary>
internal sealed class ReconcileContext
{
    /// <summary>Where the registry stands when nothing is in the way.</summary>
    public ClusterPhase Goal { get; set; } = ClusterPhase.Gone;

    /// <summary>The Cluster as it is now; null when it is gone.</summary>
    public Cluster? Cluster { get; set; }

    /// <summary>True when <see cref="Cluster"/> was read from the management cluster; false when a caller of a hook sent it.</summary>
    public bool IsClusterLive { get; init; }

    /// <summary>True while the registry of a Cluster that requests none is not gone yet.</summary>
    public bool IsBeingRemoved { get; set; }

    /// <summary>True when the registry serves, and declared content is what it waits for.</summary>
    public bool IsFilling { get; set; }

    /// <summary>What was changed, in order.</summary>
    public List<Change> Changes { get; } = [];

    /// <summary>The certificate that the registry is to serve; null while none is known.</summary>
    public CertificateRecord? Certificate { get; set; }

    /// <summary>The certificate as it was known before; null when none was.</summary>
    public CertificateRecord? Former { get; private set; }

    /// <summary>What paces changes by the admin; null when nothing does.</summary>
    public Rollout? Rollout { get; init; }

    /// <summary>What is wrong with the login; it is told of, and holds up neither a certificate nor the release.</summary>
    public RegistryOutcome? LoginStop { get; set; }

    /// <summary>How far the registry is with the admin's decisions; null while that is not known.</summary>
    public ReleaseProgress? Progress { get; set; }

    /// <summary>Why no other registry gets the admin's new decisions; null unless this one is among the causes.</summary>
    public string? RolloutStop { get; set; }

    /// <summary>The size that the volumes are to have, when it is larger than that of the installed ones; null otherwise.</summary>
    public string? LargerSize { get; set; }

    /// <summary>How far volumes that grow are to be written to be; null for as far as the HelmChartProxy says.</summary>
    public GrowthMark? Growth { get; set; }

    /// <summary>How full the registry's volumes are; null while that is not known.</summary>
    public VolumeRecord? Volumes { get; set; }

    /// <summary>True when this attempt saw the volumes fill up, false when it saw that they have space again; null for neither.</summary>
    public bool? BeganFilling { get; set; }

    /// <summary>What the cluster's nodes are given to trust; null when the attempt did not get that far.</summary>
    public TrustBundle? Bundle { get; set; }

    /// <summary>Where the cluster is in a rotation of the root.</summary>
    public RotationPhase Rotation { get; set; }

    /// <summary>What keeps a former root in the bundle, or on nodes; null when nothing does.</summary>
    public RetireResult.Waits? Waits { get; private set; }

    /// <summary>Takes what became of former roots.</summary>
    public void Take(RetireResult result)
    {
        var change = (result as RetireResult.Retired)?.Change ?? (result as RetireResult.Waits)?.Change;
        if (change is not null)
            Changes.Add(change);
        if (result is RetireResult.Retired)
            Rotation = RotationPhase.None;
        Waits = result as RetireResult.Waits;
    }

    /// <summary>
    /// Takes what is known before anything is done. Again after a conflict: then what was done before the conflict stays done.
    /// </summary>
    public CertificateRecord? Begin(CertificateRecord? known)
    {
        Former ??= known;
        return Certificate = known;
    }

    /// <summary>Whether this attempt wrote the HelmChartProxy.</summary>
    public bool HasWrittenRelease => Changes.Exists(change => change is { Kind: "HelmChartProxy", Verb: not ChangeVerb.Kept });

    /// <summary>The attempt as the reconciler reports it.</summary>
    public ReconcileResult Conclude(ClusterKey key, RegistryOutcome outcome) => Judge(key, outcome) with
    {
        Changes = Changes,
        Rotation = Rotation,
        RotationWaits = Waits?.Reason,
        Volumes = Volumes?.Volumes,
        Certificate = Certificate is { } known && Cluster?.Metadata.Uid is { } uid
            ? new CertificateSummary(known.Serial, known.Issuer, known.NotAfter, known.RenewalTime(uid))
            : null,
    };

    private ReconcileResult Judge(ClusterKey key, RegistryOutcome outcome) => new(key, outcome.Kind switch
    {
        OutcomeKind.Invalid => ClusterPhase.Invalid,
        OutcomeKind.Waiting => IsFilling ? ClusterPhase.Filling : ClusterPhase.Waiting,
        OutcomeKind.Failing => ClusterPhase.Failing,
        OutcomeKind.Refused => ClusterPhase.Refused,
        OutcomeKind.Unavailable => ClusterPhase.Unreachable,
        OutcomeKind.Done or OutcomeKind.NotWanted or OutcomeKind.LetGo => Goal,
    })
    {
        Reason = outcome.Reason.Length > 0 ? outcome.Reason : null,
        Cause = outcome.Cause,
    };
}

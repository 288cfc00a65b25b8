using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Outcomes;

namespace CapiRegistryHook.Registry.Release;

/// <summary>
/// Reads what the add-on provider says of a release. The HelmChartProxy is there anyway; its HelmReleaseProxies, which have the cause, are
/// read only while it is not ready.
/// </summary>
internal sealed class ReleaseReports(KubernetesClient management)
{
    /// <summary>A HelmChartProxy of this product selects one Cluster; during a move there may be a second HelmReleaseProxy.</summary>
    private const int MostReleases = 10;

    /// <summary>The outcome of a reconcile, with what the provider says: a release that fails is never done.</summary>
    /// <param name="live">The HelmChartProxy; null when there was none.</param>
    /// <param name="outcome">How the reconcile ended otherwise.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public async Task<RegistryOutcome> JudgeAsync(HelmChartProxy? live, RegistryOutcome outcome, CancellationToken cancellationToken)
    {
        if (live is null || outcome.Kind is not (OutcomeKind.Done or OutcomeKind.Waiting) || !ReleaseReport.IsInTheWay(live))
            return outcome;
        return ReleaseReport.Of(live, await FindAsync(live, cancellationToken)) switch
        {
            { IsFailing: true, Sentence: var sentence } => RegistryOutcome.Failing(sentence),
            { Sentence: var sentence } when outcome.Kind == OutcomeKind.Done => RegistryOutcome.Waiting(sentence),
            _ => outcome,
        };
    }

    /// <summary>Without the right to read them, or the definition, the HelmChartProxy has to do.</summary>
    private async Task<IReadOnlyList<HelmReleaseProxy>> FindAsync(HelmChartProxy live, CancellationToken cancellationToken)
    {
        var which = new ListOptions
        {
            Namespace = live.Metadata.Namespace, LabelSelector = $"{HelmReleaseProxy.ChartProxyLabel}={live.Metadata.Name}",
        };
        try
        {
            return await management.ListFirstAsync(RegistryResources.HelmReleaseProxies, which, MostReleases, cancellationToken);
        }
        catch (KubernetesApiException exception) when (exception.Fault is KubernetesFault.Forbidden or KubernetesFault.NotFound)
        {
            return [];
        }
    }
}

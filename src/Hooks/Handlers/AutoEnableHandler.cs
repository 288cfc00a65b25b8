using CapiRegistryHook.Hooks.Contract;
using CapiRegistryHook.Registry.Enabling;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Hooks.Handlers;

/// <summary>
/// Requests a registry for a new Cluster that does not mention one. Every Cluster is admitted, whatever happens here. Calling it twice
/// is safe because a Cluster that has the patch is left alone.
/// </summary>
internal sealed class AutoEnableHandler(AutoEnabling enabling)
{
    public async Task<AdmissionAnswer> HandleAsync(AdmissionReview review, CancellationToken cancellationToken)
    {
        if (review.NewCluster is not { } cluster)
            return new AdmissionAnswer(review.Uid, "", "The request is not about a new Cluster.");
        var decision = await enabling.DecideAsync(cluster, cancellationToken);
        return new AdmissionAnswer(review.Uid, cluster.DisplayName, decision.Reason)
        {
            Patch = decision.Patch,
            Warnings = decision.IsWarning ? [FieldText.Sentence(decision.Reason)] : null,
        };
    }
}

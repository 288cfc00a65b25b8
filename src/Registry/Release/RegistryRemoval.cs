using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Release;

/// <summary>
/// Takes the registry from a Cluster that no longer asks for one: the HelmChartProxy goes, and with it the add-on provider uninstalls
/// the release. What the volumes hold stays unless the admin wants it deleted; the cluster CA Secret stays in any case, since older nodes
/// are still made from it.
/// </summary>
internal sealed class RegistryRemoval(KubernetesClient management, RegistryData data, RegistryOptions options)
{
    /// <summary>On the HelmChartProxy: the field of the Cluster that asked for it.</summary>
    public const string AskedByAnnotation = "capi-registry-hook.io/asked-by";

    /// <summary>Deletes the HelmChartProxy when it is this product's and this Cluster's.</summary>
    /// <param name="cluster">A Cluster that asks for no registry.</param>
    /// <param name="context">Takes what was changed, and whether the registry is still there.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    public async Task<RegistryOutcome> RemoveAsync(Cluster cluster, ReconcileContext context, CancellationToken cancellationToken)
    {
        var name = RegistryPlan.ChartProxyOf(cluster);
        if (await FindAsync(name, cancellationToken) is not { } live || !ObjectLabels.IsManagedFor(cluster, live.Metadata))
            return RegistryOutcome.Done;
        context.IsBeingRemoved = true;
        if (live.Metadata.DeletionTimestamp is not null)
            return RegistryOutcome.Done;
        if (live.Metadata.Annotations?.GetValueOrDefault(AskedByAnnotation) is { } field && field != options.Variable.Field)
            return AskedElsewhere(name, field);

        if (options.OnDisable == DisabledData.Delete && await data.DeleteAsync(cluster, context.Changes, cancellationToken) is { } stop)
            return stop;
        await DeleteAsync(name, live.Metadata, cancellationToken);
        context.Changes.Add(new Change(ChangeVerb.Deleted, "HelmChartProxy", name.ToString(), false, Describe(options.OnDisable)));
        return RegistryOutcome.Done;
    }

    private static string Describe(DisabledData data) => "The Cluster no longer requests a registry. " + data switch
    {
        DisabledData.Keep => "Its volumes and certificate stay on the workload cluster.",
        DisabledData.Delete => "Its volumes and certificate are deleted from the workload cluster.",
    };

    private async Task<ObjectHeader?> FindAsync(NamespacedName name, CancellationToken cancellationToken)
    {
        try
        {
            return await management.FindAsync(RegistryResources.HelmChartProxyHeaders, name, cancellationToken);
        }
        catch (KubernetesApiException exception) when (exception.Fault == KubernetesFault.NotFound)
        {
            // Without the add-on provider's definitions there is nothing to take away.
            return null;
        }
    }

    private async Task DeleteAsync(NamespacedName name, ObjectMeta live, CancellationToken cancellationToken)
    {
        var onlyThis = new DeleteOptions { Uid = live.Uid, ResourceVersion = live.ResourceVersion };
        await management.DeleteIfExistsAsync(RegistryResources.HelmChartProxyHeaders, name, onlyThis, cancellationToken);
    }

    /// <summary>An admin who renames the variable has not said that every registry of the fleet is to go.</summary>
    private RegistryOutcome AskedElsewhere(NamespacedName name, string field) => RegistryOutcome.Refused(
        $"The HelmChartProxy {name} was asked for in {FieldText.Quote(field)}, but this service now looks in "
            + $"{options.Variable.Field}; set that in the Cluster, or delete the HelmChartProxy.");
}

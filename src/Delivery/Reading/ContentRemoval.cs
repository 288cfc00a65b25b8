using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Delivery.Targets;

namespace CapiRegistryHook.Delivery.Reading;

/// <summary>
/// Removes content from every replica of a registry, since replicas copy what is added and never what is removed. The primary comes first:
/// the others would copy it back from there.
/// </summary>
public static class ContentRemoval
{
    /// <summary>Removes one name from all replicas.</summary>
    /// <param name="target">The registry.</param>
    /// <param name="name">A tag, or a digest with all its tags.</param>
    /// <param name="cancellationToken">Ends the removal; running it again goes on.</param>
    /// <returns>How many replicas had it.</returns>
    /// <exception cref="DeliveryException">A replica could not remove it; it is named.</exception>
    public static async Task<int> RunAsync(RegistryTarget target, ResolvedName name, CancellationToken cancellationToken)
    {
        var removed = 0;
        foreach (var replica in target.Replicas.OrderBy(replica => replica == target.Primary ? 0 : 1))
        {
            try
            {
                removed += await RemoveAsync(replica.Client, name, cancellationToken) ? 1 : 0;
            }
            catch (Exception exception) when (Fault.Is(exception))
            {
                throw new DeliveryException($"The replica {replica.Name} still has {name.Text}: {Fault.Describe(exception)}", exception);
            }
        }

        return removed;
    }

    private static Task<bool> RemoveAsync(RegistryClient client, ResolvedName name, CancellationToken cancellationToken) =>
        name.Digest is { } digest ? client.DeleteManifestAsync(name.Repository, digest.ToString(), cancellationToken)
            : client.RemoveTagAsync(name.Repository, name.Tag!, cancellationToken);
}

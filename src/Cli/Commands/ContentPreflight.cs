using System.Net;
using CapiRegistryHook.Cli.Output;
using CapiRegistryHook.Delivery.Declared;
using CapiRegistryHook.Delivery.Targets;
using CapiRegistryHook.Registry.Clients;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Preflight;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>Whether the content that is declared for a Cluster fits on the volumes of its registry.</summary>
internal static class ContentPreflight
{
    private const string Check = "content";

    /// <summary>The manifests of a few hundred images are read meanwhile.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <param name="fleet">Where contents are.</param>
    /// <param name="cluster">The Cluster.</param>
    /// <param name="room">The bytes that each volume takes; null when that is not known.</param>
    /// <param name="sources">Special addresses that sources may have.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    public static async Task<IReadOnlyList<PreflightFinding>> RunAsync(
        ContentFleet fleet, Cluster cluster, long? room, IReadOnlyList<IPNetwork> sources, TimeProvider time,
        CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(Limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            var (contents, bytes) = await new DeclaredSize(fleet, sources, time).MeasureAsync(cluster, either.Token);
            return contents == 0 ? [] : [Judge(contents, bytes, room)];
        }
        catch (Exception exception) when (Fault.Is(exception))
        {
            return [Unknown(Fault.Describe(exception))];
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return [Unknown($"Its sources did not answer within {Limit.TotalSeconds:0} s.")];
        }
    }

    private static PreflightFinding Judge(int contents, long bytes, long? room)
    {
        var declared = $"{contents} {(contents == 1 ? "RegistryContent selects" : "RegistryContents select")} the Cluster, "
            + $"with {ByteText.Of(bytes)} for each replica";
        return room is not { } most ? PreflightFinding.Pass(Check, $"{declared}.")
            : bytes <= most ? PreflightFinding.Pass(Check, $"{declared}, and room for {ByteText.Of(most)}.")
            : PreflightFinding.Fail(Check,
                $"{declared}, but its volumes take {ByteText.Of(most)} before they refuse pushes.",
                "set a larger storage.size in the variable or the admin's values, or declare less.");
    }

    private static PreflightFinding Unknown(string reason) => PreflightFinding.Warn(
        Check, $"How much content is declared for the Cluster is not known: {reason}", "see the status of its RegistryContents.");
}

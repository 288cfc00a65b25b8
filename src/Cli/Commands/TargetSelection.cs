using CapiRegistryHook.Delivery.Clusters;
using CapiRegistryHook.Delivery.Targets;
using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Clients;
using CapiRegistryHook.Registry.Objects;
using RegistryOptions = CapiRegistryHook.Registry.Plan.RegistryOptions;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>Which registries a command is for.</summary>
/// <param name="Clusters">Clusters by name; empty for the others.</param>
/// <param name="Selector">A label selector; null for all Clusters when neither names nor a host are given.</param>
/// <param name="Host">A registry that is not a cluster's; null for clusters.</param>
/// <param name="TrustPem">What verifies the host; null for the authorities of the machine.</param>
/// <param name="Logins">The login that was given, and those that people have.</param>
/// <param name="Management">Where the management cluster is.</param>
/// <param name="Options">How Clusters are read.</param>
/// <param name="Time">The clock.</param>
internal sealed record TargetSelection(
    IReadOnlyList<ClusterKey> Clusters, string? Selector, string? Host, string? TrustPem, TargetLogins Logins,
    ManagementConnection Management, RegistryOptions Options, TimeProvider Time)
{
    /// <summary>Runs a command on the registries that are meant.</summary>
    /// <param name="run">The command; it gets at least one registry, and a token that a signal cancels.</param>
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(Func<IReadOnlyList<TargetAddress>, CancellationToken, Task<int>> run)
    {
        using var interruption = new Interruption();
        var cancellationToken = interruption.Token;
        try
        {
            if (Host is not null)
                return await run(
                    [new TargetAddress(Host, _ => Task.FromResult(OutsideRegistry.Open(Host, TrustPem, Logins, Time)))], cancellationToken);
            using var directory = ClusterRegistryDirectory.Connect(Management, Options, Time);
            var targets = new ClusterTargets(directory, Logins, Time);
            var keys = Clusters is not [] ? Clusters : await directory.SelectAsync(Selector, cancellationToken);
            return keys is [] ? ExitCode.Fail("No Cluster with a registry matches.")
                : await run([.. keys.Select(targets.AddressOf)], cancellationToken);
        }
        catch (ManagementConnectionException exception)
        {
            return ExitCode.Refuse(exception.Message);
        }
        catch (Exception exception) when (Fault.Is(exception))
        {
            return ExitCode.Fail(Fault.Describe(exception));
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return ExitCode.Fail("Interrupted.");
        }
    }

    /// <summary>Runs a command on the one registry that is meant.</summary>
    public Task<int> RunOnOneAsync(Func<RegistryTarget, CancellationToken, Task<int>> run) => RunAsync(async (targets, cancellationToken) =>
    {
        if (targets is not [var only])
            return ExitCode.Refuse($"{targets.Count} Clusters match; this command is for one at a time: name it with --cluster.");
        using var target = await only.OpenAsync(cancellationToken);
        return await run(target, cancellationToken);
    });
}

using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.ServerCertificates;

namespace CapiRegistryHook.Registry.Release;

/// <summary>
/// A renewal is done when the pods serve the new certificate, and not before. The result is written down, so that it need not be
/// checked again while the certificate stays.
/// </summary>
/// <param name="chart">Takes the result.</param>
/// <param name="workload">The way to the workload cluster.</param>
/// <param name="served">What the pods serve.</param>
internal sealed class ServedConfirmation(ChartInstallation chart, WorkloadAccess workload, ServedCheck served)
{
    /// <summary>Checks the pods, unless something was written just now that they have yet to follow.</summary>
    /// <param name="plan">The cluster's plan.</param>
    /// <param name="wanted">The certificate that they are to serve.</param>
    /// <param name="before">The revision that the release had; null when that is not known.</param>
    /// <param name="context">What was changed, and what is known of the certificate.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    public async Task<RegistryOutcome> RunAsync(
        RegistryPlan plan, WantedCertificate wanted, string? before, ReconcileContext context, CancellationToken cancellationToken)
    {
        var certificate = context.Certificate!;
        if (context.HasWrittenRelease && context.Former?.Serial != certificate.Serial)
            return RegistryOutcome.Waiting("The registry was asked to serve its new certificate; its pods have yet to follow.");
        if (before != plan.Release.Id)
            return RegistryOutcome.Waiting("The registry was given other values or another chart; its pods have yet to follow.");
        var expected = new ExpectedPods(wanted.Trust, certificate.Serial, plan.Release.Id, plan.Replicas);
        var result = await workload.RunAsync<ServedResult>(
            plan.Cluster, async client => await served(client, expected, cancellationToken), cancellationToken);
        switch (result.Value)
        {
            case ServedResult.AllServed:
                context.Certificate = certificate with { Served = certificate.Serial };
                context.Progress = context.Progress! with { Served = plan.Release.Id };
                var release = await chart.FindAsync(plan, cancellationToken);
                await chart.RepairChartProxyAsync(plan, release, context, cancellationToken);
                return RegistryOutcome.Done;
            case ServedResult.Failing failing:
                return RegistryOutcome.Failing(failing.Sentence);
            case ServedResult.Untrusted untrusted:
                return RegistryOutcome.Refused(untrusted.Sentence);
            case ServedResult.Waiting waiting:
                return RegistryOutcome.Waiting(waiting.Sentence);
            default:
                return result.Stop!;
        }
    }
}

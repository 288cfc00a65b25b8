using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Registry.Outcomes;

/// <summary>Runs steps within a limit and turns faults into outcomes. Only the caller's own cancellation is thrown.</summary>
internal static class Attempt
{
    /// <param name="limit">How long the steps may take.</param>
    /// <param name="time">The clock of the limit.</param>
    /// <param name="root">The root CA Secret, for the sentence when it can't issue.</param>
    /// <param name="act">The steps.</param>
    /// <param name="cancellationToken">Ends the steps.</param>
    public static async Task<RegistryOutcome> RunAsync(
        TimeSpan limit, TimeProvider time, NamespacedName root, Func<CancellationToken, Task<RegistryOutcome>> act,
        CancellationToken cancellationToken)
    {
        using var limited = new CancellationTokenSource(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limited.Token, cancellationToken);
        try
        {
            return await act(either.Token);
        }
        catch (KubernetesApiException exception)
        {
            return FaultSentences.OfManagement(exception);
        }
        catch (CertificateException exception)
        {
            // It could be read and still can't issue: not valid yet, expired a moment ago, or with constraints.
            return RegistryOutcome.Refused(FaultSentences.UnusableRoot(root, exception));
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            return FaultSentences.OutOfTime(exception);
        }
    }
}

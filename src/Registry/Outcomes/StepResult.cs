using CapiRegistryHook.Kubernetes.Client;

namespace CapiRegistryHook.Registry.Outcomes;

/// <summary>The result of one step: its value, or the outcome that ends the attempt.</summary>
internal readonly record struct StepResult<T>(T? Value, RegistryOutcome? Stop = null)
{
    public static implicit operator StepResult<T>(T value) => new(value);

    public static implicit operator StepResult<T>(RegistryOutcome stop) => new(default, stop);
}

/// <summary>Read, decide, write; again when somebody else wrote in between.</summary>
internal static class OptimisticWrite
{
    /// <summary>Two replicas that meet on one object need two tries; more than three means somebody keeps writing.</summary>
    private const int Tries = 3;

    public static async Task<T> RunAsync<T>(Func<Task<T>> readDecideWrite)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await readDecideWrite();
            }
            catch (KubernetesApiException exception)
                when (attempt < Tries && exception.Fault is KubernetesFault.AlreadyExists or KubernetesFault.Conflict)
            {
                // The next round reads what the other writer left.
            }
        }
    }
}

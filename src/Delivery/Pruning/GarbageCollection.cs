using System.Security.Cryptography;
using System.Text.Json;
using CapiRegistryHook.Delivery.Targets;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Clients;

namespace CapiRegistryHook.Delivery.Pruning;

/// <summary>
/// Runs the garbage collection that the registry chart schedules, now: a Job out of its CronJob. Nothing else may collect, because only the
/// chart knows how to keep writers away meanwhile.
/// </summary>
internal sealed class GarbageCollection(KubernetesClient workload, TimeProvider time)
{
    private const string FieldManager = "capi-registry-hook-prune";

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    private static readonly NamespacedName Name =
        new(ClusterRegistry.StatefulSet.Namespace, $"{ClusterRegistry.StatefulSet.Name}-gc");

    private static readonly ResourceType<UnstructuredObject> Jobs =
        UnstructuredObject.Resource("batch", "v1", "jobs", "Job");

    /// <summary>Collects and waits for the end.</summary>
    /// <param name="limit">How long at most.</param>
    /// <param name="cancellationToken">Ends the waiting; the Job goes on.</param>
    /// <returns>False when the registry has no collection.</returns>
    /// <exception cref="DeliveryException">It failed, or is not done in time; the message names the Job.</exception>
    /// <exception cref="KubernetesApiException">The workload API server can't be asked.</exception>
    public async Task<bool> RunAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        if (await FindAsync("v1", cancellationToken) is not { } schedule)
            return false;
        var job = await workload.CreateAsync(Jobs, JobOf(schedule), FieldManager, cancellationToken);
        var name = new NamespacedName(Name.Namespace, job.Metadata.Name!);
        for (var start = time.GetTimestamp(); time.GetElapsedTime(start) < limit; await Task.Delay(Pause, time, cancellationToken))
        {
            var conditions = (await workload.FindAsync(Jobs, name, cancellationToken) is { } live ? Conditions(live) : []).ToList();
            if (conditions.Contains("Complete"))
                return true;
            if (conditions.Contains("Failed"))
                throw new DeliveryException($"The garbage collection failed: see the log of the Job {name} on the workload cluster.");
        }

        throw new DeliveryException(
            $"The garbage collection is not done after {limit.TotalMinutes:0} minutes: see the Job {name} on the workload cluster.");
    }

    /// <summary>CronJobs are served as v1beta1 alone before Kubernetes 1.21.</summary>
    private async Task<UnstructuredObject?> FindAsync(string version, CancellationToken cancellationToken)
    {
        try
        {
            var type = UnstructuredObject.Resource("batch", version, "cronjobs", "CronJob");
            return await workload.FindAsync(type, Name, cancellationToken);
        }
        catch (KubernetesApiException exception) when (exception.Fault == KubernetesFault.NotFound)
        {
            return version == "v1" ? await FindAsync("v1beta1", cancellationToken) : null;
        }
    }

    private static UnstructuredObject JobOf(UnstructuredObject schedule) => new()
    {
        ApiVersion = Jobs.ApiVersion,
        Kind = Jobs.Kind,
        Metadata = new ObjectMeta
        {
            Namespace = Name.Namespace,
            Name = $"{Name.Name}-{RandomNumberGenerator.GetHexString(8, lowercase: true)}",
            Annotations = new Dictionary<string, string> { ["cronjob.kubernetes.io/instantiate"] = "manual" },
            OwnerReferences =
            [
                new OwnerReference
                {
                    ApiVersion = schedule.ApiVersion ?? "batch/v1", Kind = "CronJob", Name = Name.Name, Uid = schedule.Metadata.Uid!,
                },
            ],
        },
        Fields = new Dictionary<string, JsonElement> { ["spec"] = schedule.Find("spec.jobTemplate.spec") },
    };

    private static IEnumerable<string?> Conditions(UnstructuredObject job) =>
        job.List("status.conditions").Where(condition => condition.Text("status") == "True").Select(condition => condition.Text("type"));
}

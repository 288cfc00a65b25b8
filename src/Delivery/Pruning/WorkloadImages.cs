using System.Text.Json;
using CapiRegistryHook.Delivery.Targets;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Delivery.Pruning;

/// <summary>
/// The images that a workload cluster needs: those of pods, as they are named and as they run, and those of every controller's template and
/// its history, since a rollback is a pull too. All namespaces. What can't be read ends it: an image must not be missed.
/// </summary>
internal static class WorkloadImages
{
    /// <summary>Beyond it something is wrong, or this is the wrong tool.</summary>
    private const int MostObjects = 500_000;

    private const string DockerScheme = "docker-pullable://";

    private static readonly ResourceType<UnstructuredObject>[] Kinds =
    [
        UnstructuredObject.Resource("", "v1", "pods", "Pod"),
        UnstructuredObject.Resource("", "v1", "podtemplates", "PodTemplate"),
        UnstructuredObject.Resource("", "v1", "replicationcontrollers", "ReplicationController"),
        UnstructuredObject.Resource("apps", "v1", "deployments", "Deployment"),
        UnstructuredObject.Resource("apps", "v1", "replicasets", "ReplicaSet"),
        UnstructuredObject.Resource("apps", "v1", "statefulsets", "StatefulSet"),
        UnstructuredObject.Resource("apps", "v1", "daemonsets", "DaemonSet"),
        UnstructuredObject.Resource("apps", "v1", "controllerrevisions", "ControllerRevision"),
        UnstructuredObject.Resource("batch", "v1", "jobs", "Job"),
    ];

    // Served as v1beta1 alone before Kubernetes 1.21.
    private static readonly ResourceType<UnstructuredObject>[] CronJobs =
    [
        UnstructuredObject.Resource("batch", "v1", "cronjobs", "CronJob"),
        UnstructuredObject.Resource("batch", "v1beta1", "cronjobs", "CronJob"),
    ];

    /// <summary>Reads them.</summary>
    /// <returns>The references as they stand there, each once.</returns>
    /// <exception cref="KubernetesApiException">The workload API server can't be asked for all of them.</exception>
    public static async Task<IReadOnlySet<string>> ReadAsync(KubernetesClient workload, CancellationToken cancellationToken)
    {
        var images = new HashSet<string>(StringComparer.Ordinal);
        var count = 0;
        foreach (var kind in Kinds)
            count = await ReadAsync(workload, kind, images, count, cancellationToken);
        try
        {
            await ReadAsync(workload, CronJobs[0], images, count, cancellationToken);
        }
        catch (KubernetesApiException exception) when (exception.Fault == KubernetesFault.NotFound)
        {
            await ReadAsync(workload, CronJobs[1], images, count, cancellationToken);
        }

        return images;
    }

    private static async Task<int> ReadAsync(
        KubernetesClient workload, ResourceType<UnstructuredObject> kind, HashSet<string> images, int count,
        CancellationToken cancellationToken)
    {
        await foreach (var item in workload.ListAsync(kind, new ListOptions(), cancellationToken))
        {
            if (++count > MostObjects)
                throw new DeliveryException($"The workload cluster has more than {MostObjects} pods and controllers.");
            Collect(item, images);
        }

        return count;
    }

    private static void Collect(UnstructuredObject item, HashSet<string> images)
    {
        try
        {
            foreach (var field in item.Fields ?? [])
                Collect(field.Value, images);
        }
        catch (InvalidOperationException exception)
        {
            // Half a surrogate pair.
            throw new DeliveryException("The workload cluster has a pod or controller with text that is not Unicode.", exception);
        }
    }

    /// <summary>
    /// Every <c>image</c> and <c>imageID</c>, wherever it stands: in containers of any kind, in the revisions of controllers, in volumes.
    /// A text that is not an image does no harm.
    /// </summary>
    private static void Collect(JsonElement value, HashSet<string> images)
    {
        if (value.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in value.EnumerateArray())
                Collect(item, images);
        }
        else if (value.ValueKind == JsonValueKind.Object)
        {
            foreach (var field in value.EnumerateObject())
            {
                if (field.Value.ValueKind == JsonValueKind.String && field.Name is "image" or "imageID" or "reference")
                    Add(field.Value.GetString()!, images);
                else
                    Collect(field.Value, images);
            }
        }
    }

    private static void Add(string image, HashSet<string> images)
    {
        if (image.Length > 0)
            images.Add(image.StartsWith(DockerScheme, StringComparison.Ordinal) ? image[DockerScheme.Length..] : image);
    }
}

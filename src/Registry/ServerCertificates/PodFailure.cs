using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.ServerCertificates;

/// <summary>Why a pod will not start by waiting. The kubelet's own words change from try to try, so they are not repeated. Pure.</summary>
internal static class PodFailure
{
    /// <summary>A program that waits for something may end once or twice before it is there.</summary>
    private const int PatientRestarts = 3;

    /// <summary>A sentence that names pod and container; null when nothing is known to fail.</summary>
    public static string? Of(Pod pod)
    {
        if (pod.Metadata.DeletionTimestamp is not null || pod.IsReady)
            return null;
        var containers = (pod.Status?.InitContainerStatuses ?? []).Concat(pod.Status?.ContainerStatuses ?? [])
            .OfType<ContainerStatus>();
        return containers.Select(container => Of(FieldText.Sentence(pod.Metadata.Name ?? ""), container))
            .FirstOrDefault(failure => failure is not null);
    }

    private static string? Of(string pod, ContainerStatus container)
    {
        var name = FieldText.Quote(container.Name);
        return container.State?.Waiting?.Reason switch
        {
            "ErrImagePull" or "ImagePullBackOff" or "InvalidImageName" or "ErrImageNeverPull" or "ImageInspectError"
                or "RegistryUnavailable" =>
                $"The registry's pod {pod} can't pull the image {FieldText.Sentence(container.Image ?? "")} of its container {name}.",
            "CreateContainerConfigError" or "CreateContainerError" or "RunContainerError" =>
                $"The container {name} of the registry's pod {pod} can't be started; see the Events of the pod.",
            // Between two tries the container runs, and it has failed all the same.
            _ when !container.Ready && container.RestartCount >= PatientRestarts =>
                $"The container {name} of the registry's pod {pod} ends again and again; see its log.",
            _ => null,
        };
    }
}

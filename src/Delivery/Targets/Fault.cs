using System.Security.Authentication;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Registry.Clients;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Delivery.Targets;

/// <summary>The faults of clusters, registries and files that a person hears of in one line while the others go on.</summary>
public static class Fault
{
    /// <summary>Whether an exception is such a fault; everything else is a mistake in this program.</summary>
    public static bool Is(Exception exception) => exception is DeliveryException or ContentException or ClusterRegistryException
        or KubernetesApiException or KubeconfigException or HttpRequestException or IOException or AuthenticationException
        or TimeoutException or UnauthorizedAccessException;

    /// <summary>The fault as one printable line.</summary>
    public static string Describe(Exception exception) => exception switch
    {
        ContentException or DeliveryException or ClusterRegistryException => exception.Message.ReplaceLineEndings(" "),
        KubernetesApiException failure => ClusterRegistryDirectory.Explain(failure),
        _ => FieldText.Sentence(exception.Message),
    };
}

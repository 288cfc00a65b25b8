using System.Net;
using System.Net.Sockets;

namespace CapiRegistryHook.Harness.Cluster;

/// <summary>
/// The command lines and the configuration that kind and Docker are called with; pure, so that they are tested without Docker.
/// </summary>
/// <param name="Name">The cluster's name.</param>
/// <param name="KubeconfigFile">The only kubeconfig that kind writes to: the user's own is left alone.</param>
internal sealed record KindCommands(string Name, string KubeconfigFile)
{
    /// <summary>The addresses of Services; kind's default is 10.96.0.0/16 as well, said here because plans depend on it.</summary>
    public const string ServiceNetwork = "10.96.0.0/16";

    /// <summary>The name that the image of the Dockerfile gets.</summary>
    public const string HookImage = "capi-registry-hook.test/hook:1";

    /// <summary>One node. The patch is needed by node images before kind 0.27; later ones have the folder configured.</summary>
    public const string Configuration = $$"""
        kind: Cluster
        apiVersion: kind.x-k8s.io/v1alpha4
        networking:
          ipFamily: ipv4
          serviceSubnet: "{{ServiceNetwork}}"
        containerdConfigPatches:
        - |-
          [plugins."io.containerd.grpc.v1.cri".registry]
            config_path = "/etc/containerd/certs.d"
        nodes:
        - role: control-plane
        """;

    /// <summary>Where an image can be pulled from; null for our own.</summary>
    public static string? PublicReferenceOf(TestImage image) => image switch
    {
        TestImage.Busybox => "docker.io/library/busybox:1.37",
        TestImage.Registry => "docker.io/library/registry:3",
        TestImage.Regsync => "ghcr.io/regclient/regsync:v0.11.5-alpine",
        TestImage.Kubectl => "registry.k8s.io/kubectl:v1.34.3",
        TestImage.Curl => "docker.io/curlimages/curl:8.16.0",
        _ => null,
    };

    /// <summary>Creates the cluster; a failed one is removed by kind itself.</summary>
    public string[] Create(string configurationFile) =>
    [
        "kind", "create", "cluster", "--name", Name, "--config", configurationFile, "--kubeconfig", KubeconfigFile, "--wait", "180s",
    ];

    /// <summary>Deletes it, also when it is not there.</summary>
    public string[] Delete() => ["kind", "delete", "cluster", "--name", Name, "--kubeconfig", KubeconfigFile];

    /// <summary>Runs what follows on the node, with its input connected.</summary>
    public string[] EnterNode() => ["docker", "exec", "--interactive", $"{Name}-control-plane"];

    /// <summary>Takes an image from Docker to the node.</summary>
    public string[] LoadImage(string reference) => ["kind", "load", "docker-image", reference, "--name", Name];

    /// <summary>Writes the logs of the node and of everything on it into a folder.</summary>
    public string[] ExportLogs(string folder) => ["kind", "export", "logs", folder, "--name", Name];

    /// <summary>Builds the image of the Dockerfile.</summary>
    public static string[] BuildHookImage(string checkout) => ["docker", "build", "--tag", HookImage, checkout];

    /// <summary>Lists the gateways of kind's network, one a line.</summary>
    public static string[] InspectNetwork() =>
        ["docker", "network", "inspect", "kind", "--format", "{{range .IPAM.Config}}{{println .Gateway}}{{end}}"];

    /// <summary>The IPv4 address among the gateways: pods of an IPv4 cluster reach this machine there.</summary>
    public static IPAddress HostAddressIn(string gateways)
    {
        foreach (var line in gateways.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (IPAddress.TryParse(line, out var address) && address.AddressFamily == AddressFamily.InterNetwork)
                return address;
        }

        throw new InvalidOperationException($"Docker's network 'kind' has no IPv4 gateway (it has: '{gateways.Trim()}').");
    }
}

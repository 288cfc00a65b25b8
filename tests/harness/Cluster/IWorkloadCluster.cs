using System.Net;

namespace CapiRegistryHook.Harness.Cluster;

/// <summary>A cluster with a node, on which pods run. Which backend it is only matters to the code that starts it.</summary>
public interface IWorkloadCluster : IApiServer
{
    /// <summary>A file with <see cref="IApiServer.Kubeconfig"/>, for programs.</summary>
    string KubeconfigFile { get; }

    /// <summary>
    /// The addresses of Services, for example 10.96.0.0/16: what a Cluster's <c>spec.clusterNetwork.services</c> has to say.
    /// </summary>
    string ServiceNetwork { get; }

    /// <summary>Where pods and the node reach a server of this machine that listens on this address or on all of them.</summary>
    IPAddress HostAddress { get; }

    /// <summary>The node (one of them, where there are several).</summary>
    ClusterNode Node { get; }

    /// <summary>Makes an image usable on the node and returns the reference that pods give.</summary>
    Task<string> ProvideImageAsync(TestImage image, CancellationToken cancellationToken);

    /// <summary>Copies what the backend has written about the cluster's own programs into a folder.</summary>
    Task SaveLogsAsync(string folder, CancellationToken cancellationToken);
}

/// <summary>The images that tests run as pods.</summary>
public enum TestImage
{
    /// <summary>A shell with the usual commands.</summary>
    Busybox,

    /// <summary>The CNCF Distribution registry.</summary>
    Registry,

    /// <summary>What copies images between the registry's replicas.</summary>
    Regsync,

    /// <summary>kubectl, which restarts the registry's pods for a garbage collection.</summary>
    Kubectl,

    /// <summary>What asks a registry over verified TLS, for helm test.</summary>
    Curl,

    /// <summary>This service, as published.</summary>
    Hook,
}

using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes;

namespace CapiRegistryHook.Registry.ServerCertificates;

/// <summary>Looks at what the registry's pods serve; see <see cref="ServedCertificateProbe"/>.</summary>
internal delegate Task<ServedResult> ServedCheck(
    KubernetesClient workload, TrustBundle trust, string serial, int replicas, CancellationToken cancellationToken);

/// <summary>Whether the registry's pods serve the certificate that was issued for them.</summary>
internal abstract record ServedResult
{
    private ServedResult()
    {
    }

    /// <summary>Every pod serves it, and whoever has the trust bundle accepts it.</summary>
    public sealed record AllServed : ServedResult;

    /// <summary>Not yet: pods are still to come, to get ready or to roll; look again later.</summary>
    /// <param name="Sentence">The first thing that is missing; the same state gives the same sentence.</param>
    public sealed record Waiting(string Sentence) : ServedResult;

    /// <summary>A pod serves what nodes with the trust bundle refuse: pulls fail now.</summary>
    /// <param name="Sentence">Names the pod; the same state gives the same sentence.</param>
    public sealed record Untrusted(string Sentence) : ServedResult;
}

using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes;

namespace CapiRegistryHook.Registry.ServerCertificates;

/// <summary>Looks at what the registry's pods serve; see <see cref="ServedCertificateProbe"/>.</summary>
internal delegate Task<ServedResult> ServedCheck(KubernetesClient workload, ExpectedPods expected, CancellationToken cancellationToken);

/// <summary>The registry's pods as they are to be.</summary>
/// <param name="Trust">What the cluster's nodes trust.</param>
/// <param name="Serial">The serial number of the certificate that was issued, in lower-case hex.</param>
/// <param name="Revision">The revision of the admin's decisions that was written last.</param>
/// <param name="Replicas">How many pods there must be.</param>
internal sealed record ExpectedPods(TrustBundle Trust, string Serial, string Revision, int Replicas);

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

    /// <summary>A pod does not start and will not by waiting: its image can't be pulled, or its program ends again and again.</summary>
    /// <param name="Sentence">Names the pod and the container; the same state gives the same sentence.</param>
    public sealed record Failing(string Sentence) : ServedResult;

    /// <summary>A pod serves what nodes with the trust bundle refuse: pulls fail now.</summary>
    /// <param name="Sentence">Names the pod; the same state gives the same sentence.</param>
    public sealed record Untrusted(string Sentence) : ServedResult;
}

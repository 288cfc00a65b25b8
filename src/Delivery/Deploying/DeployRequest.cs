using CapiRegistryHook.Content.Workloads;

namespace CapiRegistryHook.Delivery.Deploying;

/// <summary>What is deployed, and how.</summary>
/// <param name="Chart">A <c>.tgz</c> file, a folder, or the name of a chart in the cluster's registry.</param>
/// <param name="Version">The exact version; null for that of the file, or for the newest release.</param>
/// <param name="Values">Values files, later ones over earlier ones.</param>
/// <param name="Namespace">The namespace of the release.</param>
public sealed record DeployRequest(string Chart, string? Version, IReadOnlyList<string> Values, string Namespace)
{
    /// <summary>The name of the release; null for the chart's.</summary>
    public string? Release { get; init; }

    /// <summary>Makes every image reference point to the registry's address and digest.</summary>
    public bool Rewrites { get; init; }

    /// <summary>Where objects of other kinds than Kubernetes' own name images.</summary>
    public IReadOnlyList<ImagePath> Paths { get; init; } = [];

    /// <summary>Whether Helm returns when everything is ready.</summary>
    public bool Waits { get; init; }

    /// <summary>How long Helm may wait for the cluster.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(5);
}

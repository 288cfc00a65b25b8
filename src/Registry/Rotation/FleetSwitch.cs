using CapiRegistryHook.Certificates;

namespace CapiRegistryHook.Registry;

/// <summary>How far the clusters have come, as far as the rotation must know.</summary>
/// <param name="IsComplete">Whether every cluster that wants a registry has been looked at since this process leads. Nothing is promoted before.</param>
/// <param name="Served">
/// The roots (<see cref="RootId"/>) whose certificates clusters have: the one that was seen served, or the one that was issued as long as no other was seen.
/// A cluster without a certificate has none; one that can't be reached has the one that is known of it.
/// </param>
/// <param name="Trusted">All roots in the bundles of all clusters: nobody who trusts one of them may be cut off.</param>
internal sealed record FleetSwitch(bool IsComplete, IReadOnlyCollection<string> Served, TrustBundle Trusted);

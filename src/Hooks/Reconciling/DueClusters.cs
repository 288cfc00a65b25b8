using System.Diagnostics.CodeAnalysis;
using CapiRegistryHook.Registry.Objects;

namespace CapiRegistryHook.Hooks.Reconciling;

/// <summary>
/// Clusters that are due and wait for a worker: one line per namespace, served in turn, so that a tenant with many Clusters does not
/// delay the others.
/// </summary>
internal sealed class DueClusters
{
    private readonly Dictionary<string, Queue<ClusterKey>> _lines = new(StringComparer.Ordinal);
    private readonly Queue<string> _turns = new();

    public void Enqueue(ClusterKey cluster)
    {
        if (!_lines.TryGetValue(cluster.Namespace, out var line))
        {
            _lines[cluster.Namespace] = line = new Queue<ClusterKey>();
            _turns.Enqueue(cluster.Namespace);
        }

        line.Enqueue(cluster);
    }

    /// <summary>Takes the first Cluster of the next namespace that may have another worker.</summary>
    public bool TryDequeue(Func<string, bool> hasRoom, [NotNullWhen(true)] out ClusterKey? cluster)
    {
        for (var left = _turns.Count; left > 0; left--)
        {
            var turn = _turns.Dequeue();
            if (!hasRoom(turn))
            {
                _turns.Enqueue(turn);
                continue;
            }

            var line = _lines[turn];
            cluster = line.Dequeue();
            if (line.Count > 0)
                _turns.Enqueue(turn);
            else
                _lines.Remove(turn);
            return true;
        }

        cluster = null;
        return false;
    }
}

/// <summary>How many Clusters of a namespace are known, and how many are being reconciled.</summary>
internal sealed class NamespaceLoad
{
    public int Known { get; set; }

    public int Running { get; set; }
}

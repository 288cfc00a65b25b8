using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace CapiRegistryHook.Registry.Text;

/// <summary>
/// Follows the events of a YAML text and refuses what its tree can't be built from safely: deep nesting, since building recurses; keys
/// that are not scalars, since comparing them walks all aliases below; and aliases to what is not complete before them, since YamlDotNet
/// compares such nodes without an end (16.3.0).
/// </summary>
internal sealed class YamlShape(int deepest)
{
    private readonly Stack<Level> _levels = [];
    private readonly HashSet<AnchorName> _complete = [];

    /// <summary>Takes the next event.</summary>
    /// <exception cref="InvalidDataException">The text has one of these.</exception>
    public void Take(ParsingEvent current)
    {
        switch (current)
        {
            case DocumentStart:
                _complete.Clear();
                break;
            case AnchorAlias alias:
                Place(isScalar: false);
                if (!_complete.Contains(alias.Value))
                    throw new InvalidDataException("an alias to nothing before it");
                break;
            case Scalar scalar:
                Place(isScalar: true);
                Complete(scalar.Anchor);
                break;
            case MappingStart or SequenceStart:
                Place(isScalar: false);
                Open(new Level(current is MappingStart, ((NodeEvent)current).Anchor));
                break;
            case MappingEnd or SequenceEnd:
                Complete(_levels.Pop().Anchor);
                break;
        }
    }

    private void Place(bool isScalar)
    {
        if (!_levels.TryPeek(out var level) || !level.IsMapping)
            return;
        level.IsAtKey = !level.IsAtKey;
        if (level.IsAtKey && !isScalar)
            throw new InvalidDataException("a key that is not text");
    }

    private void Open(Level level)
    {
        _levels.Push(level);
        if (_levels.Count > deepest)
            throw new InvalidDataException($"deeper than {deepest} levels");
    }

    private void Complete(AnchorName anchor)
    {
        if (!anchor.IsEmpty)
            _complete.Add(anchor);
    }

    /// <summary>A mapping or list that is open.</summary>
    private sealed class Level(bool isMapping, AnchorName anchor)
    {
        public bool IsMapping => isMapping;

        public AnchorName Anchor => anchor;

        /// <summary>True when the last node in the mapping was a key.</summary>
        public bool IsAtKey { get; set; }
    }
}

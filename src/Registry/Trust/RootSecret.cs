using System.Globalization;
using CapiRegistryHook.Registry.Authorities;

namespace CapiRegistryHook.Registry.Trust;

/// <summary>What the annotations of a root Secret say about the root in it.</summary>
internal static class RootSecret
{
    private const int MostCompromised = 10;

    extension(AuthoritySecret root)
    {
        /// <summary>The name of the root in annotations, see <see cref="RootId"/>.</summary>
        public string Id => RootId.Of(root.Authority);

        /// <summary>1 for the first root.</summary>
        public int Generation =>
            int.TryParse(root.Annotation(RootAnnotations.Generation), NumberStyles.None, CultureInfo.InvariantCulture, out var generation)
                && generation > 0 ? generation : 1;

        /// <summary>The ids of compromised roots, this one and former ones, in the order in which they were reported.</summary>
        public IReadOnlyList<string> CompromisedIds => (root.Annotation(RootAnnotations.Compromised) ?? "")
            .Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

        public bool IsCompromised => root.CompromisedIds.Contains(root.Id, StringComparer.Ordinal);

        /// <summary>
        /// The value of the annotation with this root added. Ids before the last ten belong to roots that expired long ago.
        /// </summary>
        public string CompromisedWithThis =>
            string.Join(',', root.CompromisedIds.Append(root.Id).Distinct(StringComparer.Ordinal).TakeLast(MostCompromised));

        /// <summary>Whether a root was made to follow this one.</summary>
        public bool IsFollowedBy(AuthoritySecret next) => next.Annotation(RootAnnotations.Follows) == root.Id && next.Id != root.Id;

        /// <summary>Names the root in a sentence.</summary>
        public string Describe() => $"root {root.Id} (generation {root.Generation}, until "
            + $"{root.Authority.NotAfter.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)})";
    }
}

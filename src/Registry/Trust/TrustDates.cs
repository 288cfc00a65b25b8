using System.Globalization;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Registry.Trust;

/// <summary>
/// Since when each root is in a cluster's bundle. A node gets the bundle when it is made, so this and the age of the Machines say which
/// nodes know
/// which root. Kept as an annotation of the Secret with the bundle, written together with it: <c>id=2026-01-31T12:00:00Z,…</c>.
/// </summary>
internal sealed class TrustDates
{
    public const string Annotation = "capi-registry-hook.io/trusted-since";

    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss'Z'";

    /// <summary>A Machine's bootstrap data is made a moment after the Machine, and clocks of API servers and replicas differ.</summary>
    public static readonly TimeSpan Margin = TimeSpan.FromMinutes(5);

    private readonly SortedDictionary<string, DateTimeOffset> _dates;

    private TrustDates(IEnumerable<KeyValuePair<string, DateTimeOffset>> dates)
    {
        _dates = new SortedDictionary<string, DateTimeOffset>(StringComparer.Ordinal);
        foreach (var (id, date) in dates)
            _dates[id] = date;
    }

    /// <summary>What is written; entries that can't be read are left out.</summary>
    public static TrustDates Read(Secret secret) => new(Entries(secret.Metadata.Annotations?.GetValueOrDefault(Annotation) ?? ""));

    /// <summary>
    /// The dates of a bundle's roots: as written, and now for those that are new. The oldest root of a bundle is known to all nodes,
    /// because roots are
    /// dropped only when all nodes know a later one. A later date that is older than the Secret itself has been carried here by a move or a
    /// restore, which makes Machines anew too: their age says nothing of that root then, and it counts from now. Where nothing is
    /// written, because somebody
    /// removed it or an earlier version wrote none, the root that was made first is the one that all nodes know.
    /// </summary>
    public TrustDates For(TrustBundle bundle, DateTimeOffset now, DateTimeOffset? created)
    {
        var present = Cut(created > now ? created.Value : now);
        var ids = bundle.OrderBy(root => root.NotBefore).Select(root => RootId.Of(root.Thumbprint)).ToList();
        var oldest = ids.Any(_dates.ContainsKey) ? null : ids.FirstOrDefault();
        var known = ids.ToDictionary(
            id => id, id => _dates.TryGetValue(id, out var date) ? date : id == oldest && created < present ? Cut(created.Value) : present,
            StringComparer.Ordinal);
        var first = known.Count == 0 ? present : known.Values.Min();
        return new TrustDates(known.Select(entry => KeyValuePair.Create(
            entry.Key, entry.Value > first && entry.Value < created - Margin ? present : entry.Value)));
    }

    /// <summary>All roots of the bundle, since now: for when nodes made before are not to count any more.</summary>
    public static TrustDates AllFrom(TrustBundle bundle, DateTimeOffset now) =>
        new(bundle.Select(root => KeyValuePair.Create(RootId.Of(root.Thumbprint), Cut(now))));

    /// <summary>
    /// The earliest moment from which on every node knows one of these roots; null when all nodes do, or none has a date.
    /// </summary>
    public DateTimeOffset? NodesMustBeYoungerThan(IEnumerable<TrustedCertificate> roots)
    {
        var dates = roots.Select(root => Since(RootId.Of(root.Thumbprint))).OfType<DateTimeOffset>().ToList();
        return dates.Count == 0 || dates.Min() == _dates.Values.Min() ? null : dates.Min() + Margin;
    }

    public DateTimeOffset? Since(string rootId) => _dates.TryGetValue(rootId, out var date) ? date : null;

    public override string ToString() => string.Join(
        ",", _dates.Select(entry => $"{entry.Key}={entry.Value.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture)}"));

    private static IEnumerable<KeyValuePair<string, DateTimeOffset>> Entries(string text)
    {
        foreach (var entry in text.Split(','))
        {
            if (entry.Split('=') is [var id, var moment]
                && DateTimeOffset.TryParseExact(
                    moment, TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var date))
                yield return KeyValuePair.Create(id, date);
        }
    }

    private static DateTimeOffset Cut(DateTimeOffset moment) =>
        new(moment.UtcTicks - (moment.UtcTicks % TimeSpan.TicksPerSecond), TimeSpan.Zero);
}

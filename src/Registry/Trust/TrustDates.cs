using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Registry.Trust;

/// <summary>
/// When each root was added to a cluster's bundle, and when the last compromised root was removed. A node gets the bundle when it is
/// created, so these dates and the ages of the Machines tell which nodes trust which root. They are stored in an annotation of the Secret
/// with the bundle, in the same write: <c>id=2026-01-31T12:00:00Z,…</c>.
/// </summary>
internal sealed class TrustDates
{
    public const string Annotation = "capi-registry-hook.io/trusted-since";

    /// <summary>
    /// A Machine reads its bootstrap data some time after it is created, and the clocks of API servers and replicas differ.
    /// </summary>
    public static readonly TimeSpan Margin = TimeSpan.FromMinutes(5);

    /// <summary>Used in place of a root's id, which is 16 hex digits.</summary>
    private const string BannedKey = "banned";

    private readonly SortedDictionary<string, DateTimeOffset> _dates;

    private TrustDates(IEnumerable<KeyValuePair<string, DateTimeOffset>> dates, DateTimeOffset? banned = null)
    {
        BannedAt = banned;
        _dates = new SortedDictionary<string, DateTimeOffset>(StringComparer.Ordinal);
        foreach (var (id, date) in dates)
        {
            if (id == BannedKey)
                BannedAt = date;
            else
                _dates[id] = date;
        }
    }

    /// <summary>
    /// When a compromised root was removed: Machines created before may still trust it. Null when no such Machine is left.
    /// </summary>
    public DateTimeOffset? BannedAt { get; }

    /// <summary>The date of each root, by its id.</summary>
    public IReadOnlyDictionary<string, DateTimeOffset> ById => _dates;

    /// <summary>Reads the annotation; malformed entries are ignored.</summary>
    public static TrustDates Read(Secret secret) => Parse(secret.Metadata.Annotations?.GetValueOrDefault(Annotation) ?? "");

    /// <summary>Reads the value of the annotation; malformed entries are ignored.</summary>
    public static TrustDates Parse(string text) => new(Entries(text));

    /// <summary>
    /// The dates of a bundle's roots: as recorded, and now for new ones. All nodes trust the root with the earliest date, because a root
    /// is removed only when all nodes trust a later one. A later date before the Secret's own creation came with a move or a restore,
    /// which also recreates the Machines: their ages say nothing about that root, so it counts from now. Without a record (somebody
    /// removed the annotation), the oldest root is assumed to be the one that all nodes trust.
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
        return new TrustDates(
            known.Select(entry => KeyValuePair.Create(
                entry.Key, entry.Value > first && entry.Value < created - Margin ? present : entry.Value)),
            BannedAt < created - Margin ? present : BannedAt);
    }

    /// <summary>All roots of the bundle, added now.</summary>
    public static TrustDates AllFrom(TrustBundle bundle, DateTimeOffset now) =>
        new(bundle.Select(root => KeyValuePair.Create(RootId.Of(root.Thumbprint), Cut(now))));

    /// <summary>The same for a bundle from which a compromised root was just removed: older Machines have to be replaced.</summary>
    public static TrustDates AfterBan(TrustBundle bundle, DateTimeOffset now) => new(AllFrom(bundle, now)._dates, Cut(now));

    /// <summary>The same dates once no Machine trusts a compromised root.</summary>
    public TrustDates WithoutBan() => new(_dates);

    /// <summary>
    /// The earliest time from which every new node trusts one of these roots; null when all nodes do, or when none has a date.
    /// </summary>
    public DateTimeOffset? NodesMustBeYoungerThan(IEnumerable<TrustedCertificate> roots)
    {
        var dates = roots.Select(root => Since(RootId.Of(root.Thumbprint))).OfType<DateTimeOffset>().ToList();
        return dates.Count == 0 || dates.Min() == _dates.Values.Min() ? null : dates.Min() + Margin;
    }

    public DateTimeOffset? Since(string rootId) => _dates.TryGetValue(rootId, out var date) ? date : null;

    public override string ToString() => string.Join(',', BannedAt is { } banned
        ? _dates.Append(KeyValuePair.Create(BannedKey, banned)).Select(Format) : _dates.Select(Format));

    private static string Format(KeyValuePair<string, DateTimeOffset> entry) =>
        $"{entry.Key}={KubernetesTime.Format(entry.Value)}";

    private static IEnumerable<KeyValuePair<string, DateTimeOffset>> Entries(string text)
    {
        foreach (var entry in text.Split(','))
        {
            if (entry.Split('=') is [var id, var moment]
                && KubernetesTime.TryParse(moment, out var date))
                yield return KeyValuePair.Create(id, date);
        }
    }

    private static DateTimeOffset Cut(DateTimeOffset moment) =>
        new(moment.UtcTicks - (moment.UtcTicks % TimeSpan.TicksPerSecond), TimeSpan.Zero);
}

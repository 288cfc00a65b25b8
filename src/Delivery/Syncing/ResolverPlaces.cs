namespace CapiRegistryHook.Delivery.Syncing;

/// <summary>
/// Which sources may be asked now. A tenant names its sources, so one that answers slowly must not hold up those of others: it no longer
/// counts after a while, and one namespace has at most half of the places where there are several. Not thread-safe.
/// </summary>
/// <param name="now">The time.</param>
/// <param name="hasSeveral">Whether contents are in more than one namespace.</param>
internal sealed class ResolverPlaces(DateTimeOffset now, bool hasSeveral)
{
    /// <summary>A source that is asked for longer is slow; it goes on, and others need not wait for it.</summary>
    public static readonly TimeSpan SlowAfter = TimeSpan.FromMinutes(1);

    /// <summary>Sources that are asked at once, slow ones left out.</summary>
    public const int Most = 8;

    /// <summary>Sources that are asked at once in all.</summary>
    public const int MostInAll = 2 * Most;

    private readonly Dictionary<string, (int Fresh, int All)> _taken = new(StringComparer.Ordinal);

    /// <summary>A source of this namespace is asked since then.</summary>
    public void Add(string @namespace, DateTimeOffset since)
    {
        var (fresh, all) = _taken.GetValueOrDefault(@namespace);
        _taken[@namespace] = (fresh + (now - since < SlowAfter ? 1 : 0), all + 1);
    }

    /// <summary>Takes a place for a source of this namespace; false when there is none now.</summary>
    public bool TryTake(string @namespace)
    {
        var share = hasSeveral ? 2 : 1;
        var (fresh, all) = _taken.GetValueOrDefault(@namespace);
        if (fresh >= Most / share || all >= MostInAll / share
            || _taken.Values.Sum(taken => taken.Fresh) >= Most || _taken.Values.Sum(taken => taken.All) >= MostInAll)
            return false;
        Add(@namespace, now);
        return true;
    }
}

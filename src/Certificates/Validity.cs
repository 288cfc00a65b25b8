namespace CapiRegistryHook.Certificates;

/// <summary>
/// The first and last second of a certificate. X.509 has whole seconds only (RFC 5280 section 4.1.2.5), so both are truncated.
/// </summary>
internal readonly record struct Validity(DateTimeOffset NotBefore, DateTimeOffset NotAfter)
{
    public static readonly TimeSpan Backdating = TimeSpan.FromMinutes(5);

    /// <summary>9999-12-31T23:59:59Z: the last time that X.509 can express; it means "no known end".</summary>
    private static readonly DateTimeOffset LastTime = Cut(DateTimeOffset.MaxValue);

    /// <summary>
    /// From five minutes ago, for clients whose clocks are behind, until the end of the lifetime, both within the bounds. When less than
    /// five minutes are left it begins only as far back: otherwise two thirds of the lifetime would have passed at once, and every
    /// reconcile would renew it. Null when less than a second is left.
    /// </summary>
    public static Validity? Within(DateTimeOffset earliest, DateTimeOffset latest, DateTimeOffset now, TimeSpan lifetime)
    {
        var present = Cut(now);
        var end = lifetime < LastTime - present ? Cut(now + lifetime) : LastTime;
        if (end > latest) end = latest;
        var ahead = end - present;
        if (ahead < TimeSpan.FromSeconds(1)) return null;
        var begin = present - (ahead < Backdating ? ahead : Backdating);
        return new Validity(begin > earliest ? begin : earliest, end);
    }

    public static Validity? Unbounded(DateTimeOffset now, TimeSpan lifetime) => Within(DateTimeOffset.MinValue, LastTime, now, lifetime);

    private static DateTimeOffset Cut(DateTimeOffset time) => new(time.UtcTicks - (time.UtcTicks % TimeSpan.TicksPerSecond), TimeSpan.Zero);
}

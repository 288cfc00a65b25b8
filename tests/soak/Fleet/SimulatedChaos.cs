namespace CapiRegistryHook.Soak.Tests.Fleet;

/// <summary>What befalls one call.</summary>
internal enum ChaosEvent
{
    None,
    LostBefore,
    LostAfter,
    InternalError,
    Unavailable,
    TooMany,
    Conflict,
    DeathBefore,
    DeathAfter,
}

/// <summary>All chance of a simulation comes from one seed, and all that went wrong is counted.</summary>
/// <param name="seed">The same seed gives the same years, as far as threads allow.</param>
internal sealed class SimulatedChaos(int seed)
{
    /// <summary>Of all calls.</summary>
    private const double FaultShare = 0.05;

    /// <summary>Of all writes.</summary>
    private const double DeathShare = 0.004;

    private static readonly ChaosEvent[] ReadFaults =
        [ChaosEvent.LostBefore, ChaosEvent.LostAfter, ChaosEvent.InternalError, ChaosEvent.Unavailable, ChaosEvent.TooMany];

    private static readonly ChaosEvent[] WriteFaults = [.. ReadFaults, ChaosEvent.Conflict];

    private readonly Random _random = new(seed);
    private readonly Lock _gate = new();

    /// <summary>No faults any more: what is left must come right by itself.</summary>
    public bool IsOver { get; set; }

    public long Calls { get; private set; }

    public long Faults { get; private set; }

    public long Deaths { get; private set; }

    public ChaosEvent Next(bool isWrite)
    {
        lock (_gate)
        {
            Calls++;
            if (IsOver)
                return ChaosEvent.None;
            if (isWrite && _random.NextDouble() < DeathShare)
            {
                Deaths++;
                return _random.Next(2) == 0 ? ChaosEvent.DeathBefore : ChaosEvent.DeathAfter;
            }

            if (_random.NextDouble() >= FaultShare)
                return ChaosEvent.None;
            Faults++;
            var faults = isWrite ? WriteFaults : ReadFaults;
            return faults[_random.Next(faults.Length)];
        }
    }

    /// <summary>True with this probability; never once the chaos is over.</summary>
    public bool Happens(double probability)
    {
        lock (_gate)
            return _random.NextDouble() < probability && !IsOver;
    }

    /// <summary>A time within the range.</summary>
    public TimeSpan Between(TimeSpan least, TimeSpan most)
    {
        lock (_gate)
            return least + ((most - least) * _random.NextDouble());
    }
}

namespace CapiRegistryHook.Unit.Tests.Kubernetes;

/// <summary>A clock that moves when it is told to, and tells who waits for it.</summary>
internal sealed class ManualTime : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly List<ManualTimer> _timers = [];
    private readonly List<(Func<TimeSpan, bool> Wanted, TaskCompletionSource Found)> _watchers = [];
    private DateTimeOffset _now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow()
    {
        lock (_gate)
            return _now;
    }

    public override long GetTimestamp() => GetUtcNow().Ticks;

    /// <summary>Ends when a timer with such a delay is pending.</summary>
    public Task TimerAsync(Func<TimeSpan, bool> wanted)
    {
        lock (_gate)
        {
            if (_timers.Any(timer => wanted(timer.Delay)))
                return Task.CompletedTask;
            TaskCompletionSource found = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _watchers.Add((wanted, found));
            return found.Task.WaitAsync(TimeSpan.FromSeconds(20));
        }
    }

    public void Advance(TimeSpan by)
    {
        List<ManualTimer> due;
        lock (_gate)
        {
            _now += by;
            due = [.. _timers.Where(timer => timer.Due <= _now)];
            foreach (var timer in due)
                Reschedule(timer);
        }

        due.ForEach(timer => timer.Fire());
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ManualTimer timer = new(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private void Reschedule(ManualTimer timer)
    {
        if (timer.Period > TimeSpan.Zero)
            timer.Due = _now + timer.Period;
        else
            _timers.Remove(timer);
    }

    private sealed class ManualTimer(ManualTime owner, TimerCallback callback, object? state) : ITimer
    {
        public DateTimeOffset Due { get; set; }

        public TimeSpan Delay { get; private set; }

        public TimeSpan Period { get; private set; }

        public void Fire() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            var immediately = dueTime == TimeSpan.Zero;
            lock (owner._gate)
            {
                owner._timers.Remove(this);
                Delay = dueTime;
                Period = period;
                Due = owner._now + dueTime;
                if (dueTime != Timeout.InfiniteTimeSpan && !(immediately && period <= TimeSpan.Zero))
                    owner._timers.Add(this);
                foreach ((var wanted, var found) in owner._watchers.ToArray())
                {
                    if (dueTime > TimeSpan.Zero && wanted(dueTime) && found.TrySetResult())
                        owner._watchers.Remove((wanted, found));
                }
            }

            if (immediately)
                Fire();
            return true;
        }

        public void Dispose()
        {
            lock (owner._gate)
                owner._timers.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}

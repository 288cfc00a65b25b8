namespace CapiRegistryHook.Unit.Tests.Kubernetes;

/// <summary>A clock that moves when it is told to, and tells who waits for it.</summary>
internal sealed class ManualTime : TimeProvider
{
    private readonly Lock gate = new();
    private readonly List<ManualTimer> timers = [];
    private readonly List<(Func<TimeSpan, bool> Wanted, TaskCompletionSource Found)> watchers = [];
    private DateTimeOffset now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow()
    {
        lock (gate)
            return now;
    }

    public override long GetTimestamp() => GetUtcNow().Ticks;

    /// <summary>Ends when a timer with such a delay is pending.</summary>
    public Task TimerAsync(Func<TimeSpan, bool> wanted)
    {
        lock (gate)
        {
            if (timers.Any(timer => wanted(timer.Delay)))
                return Task.CompletedTask;
            TaskCompletionSource found = new(TaskCreationOptions.RunContinuationsAsynchronously);
            watchers.Add((wanted, found));
            return found.Task.WaitAsync(TimeSpan.FromSeconds(20));
        }
    }

    public void Advance(TimeSpan by)
    {
        List<ManualTimer> due;
        lock (gate)
        {
            now += by;
            due = [.. timers.Where(timer => timer.Due <= now)];
            foreach (ManualTimer timer in due)
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
            timer.Due = now + timer.Period;
        else
            timers.Remove(timer);
    }

    private sealed class ManualTimer(ManualTime owner, TimerCallback callback, object? state) : ITimer
    {
        public DateTimeOffset Due { get; set; }

        public TimeSpan Delay { get; private set; }

        public TimeSpan Period { get; private set; }

        public void Fire() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            bool immediately = dueTime == TimeSpan.Zero;
            lock (owner.gate)
            {
                owner.timers.Remove(this);
                Delay = dueTime;
                Period = period;
                Due = owner.now + dueTime;
                if (dueTime != Timeout.InfiniteTimeSpan && !(immediately && period <= TimeSpan.Zero))
                    owner.timers.Add(this);
                foreach ((Func<TimeSpan, bool> wanted, TaskCompletionSource found) in owner.watchers.ToArray())
                {
                    if (dueTime > TimeSpan.Zero && wanted(dueTime) && found.TrySetResult())
                        owner.watchers.Remove((wanted, found));
                }
            }

            if (immediately)
                Fire();
            return true;
        }

        public void Dispose()
        {
            lock (owner.gate)
                owner.timers.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}

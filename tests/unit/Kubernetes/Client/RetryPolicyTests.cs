using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Watching;

namespace CapiRegistryHook.Unit.Tests.Kubernetes.Client;

public sealed class RetryPolicyTests
{
    private static readonly KubernetesClientOptions Options = new();

    public static TheoryData<KubernetesFault, int?, bool, bool, bool> Faults => new()
    {
        // fault, status, never sent, repeated when safe, repeated when not done
        { KubernetesFault.TooManyRequests, 429, false, true, true },
        { KubernetesFault.Unavailable, 503, false, true, false },
        { KubernetesFault.Unavailable, 500, false, false, false },
        { KubernetesFault.Unreachable, null, false, true, false },
        { KubernetesFault.Unreachable, null, true, true, true },
        { KubernetesFault.Timeout, null, false, true, false },
        { KubernetesFault.Timeout, 504, false, false, false },
        { KubernetesFault.UntrustedServer, null, false, false, false },
        { KubernetesFault.Conflict, 409, false, false, false },
        { KubernetesFault.Unauthorized, 401, false, false, false },
        { KubernetesFault.BadResponse, 200, false, false, false },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void PauseAfter_Fault_RepeatsOnlyWhatBearsIt(KubernetesFault fault, int? status, bool neverSent, bool safe, bool whenNotDone)
    {
        KubernetesApiException failure = new(fault, "secrets ns/one", "no") { StatusCode = status, NeverSent = neverSent };
        RetryPolicy policy = new(Options);
        Assert.Equal(safe, policy.PauseAfter(Repeat.Safe, failure, 1, TimeSpan.Zero, 0.5) is not null);
        Assert.Equal(whenNotDone, policy.PauseAfter(Repeat.WhenNotDone, failure, 1, TimeSpan.Zero, 0.5) is not null);
    }

    [Theory]
    [InlineData(1, 0.5, 50)]
    [InlineData(2, 0.5, 100)]
    [InlineData(3, 0.5, 200)]
    [InlineData(3, 0.0, 0)]
    [InlineData(9, 0.5, 1000)]
    public void PauseAfter_Attempts_DoublesUpToTheCap(int attempt, double chance, double milliseconds)
    {
        RetryPolicy policy = new(Options with { MaxAttempts = 20 });
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), policy.PauseAfter(Repeat.Safe, Busy(), attempt, TimeSpan.Zero, chance));
    }

    [Fact]
    public void PauseAfter_RetryAfter_IsHonouredWithJitterOnTop() =>
        Assert.Equal(TimeSpan.FromMilliseconds(2050),
            new RetryPolicy(Options).PauseAfter(Repeat.Safe, Busy(TimeSpan.FromSeconds(2)), 1, TimeSpan.Zero, 0.5));

    [Fact]
    public void PauseAfter_RetryAfterPastTheTotal_GivesUpAtOnce() =>
        Assert.Null(new RetryPolicy(Options).PauseAfter(Repeat.Safe, Busy(TimeSpan.FromSeconds(60)), 1, TimeSpan.Zero, 0));

    [Fact]
    public void PauseAfter_LastAttempt_GivesUp() =>
        Assert.Null(new RetryPolicy(Options).PauseAfter(Repeat.Safe, Busy(), 4, TimeSpan.Zero, 0));

    [Fact]
    public void PauseAfter_TimeIsUp_GivesUp() =>
        Assert.Null(new RetryPolicy(Options).PauseAfter(Repeat.Safe, Busy(), 1, TimeSpan.FromSeconds(6), 0));

    [Fact]
    public void Backoff_ManyAttempts_StaysAtTheCap() =>
        Assert.Equal(TimeSpan.FromSeconds(2), RetryPolicy.Backoff(TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(2), int.MaxValue));

    [Fact]
    public void PauseFor_BrokenWatch_GrowsUpToTheCapAndStartsAnewAfterProgress()
    {
        WatchBackoff backoff = new(Options, TimeProvider.System);
        double[] grown = [.. Enumerable.Range(0, 12).Select(_ => backoff.PauseFor(null, 1).TotalMilliseconds)];
        Assert.Equal([100, 200, 400, 800], grown[..4]);
        Assert.Equal(30_000, grown[^1]);
        Assert.Equal(30_000, backoff.PauseFor(TimeSpan.FromDays(1), 1).TotalMilliseconds);
        backoff.Progress();
        Assert.Equal(100, backoff.PauseFor(null, 1).TotalMilliseconds);
    }

    [Fact]
    public void Validate_WrongValues_NamesThemAll()
    {
        var thrown = Assert.Throws<ArgumentException>(
            () => new KubernetesClientOptions { MaxAttempts = 0, CallTimeout = TimeSpan.FromHours(1), UserAgent = "a\nb" }.Validate());
        Assert.Contains("MaxAttempts", thrown.Message, StringComparison.Ordinal);
        Assert.Contains("CallTimeout", thrown.Message, StringComparison.Ordinal);
        Assert.Contains("UserAgent", thrown.Message, StringComparison.Ordinal);
    }

    private static KubernetesApiException Busy(TimeSpan? retryAfter = null) =>
        new(KubernetesFault.TooManyRequests, "secrets ns/one", "no") { StatusCode = 429, RetryAfter = retryAfter };
}

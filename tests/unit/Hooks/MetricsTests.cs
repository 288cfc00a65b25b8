using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using CapiRegistryHook.Hooks.Operations;
using CapiRegistryHook.Hooks.Reconciling;
using CapiRegistryHook.Hooks.Serving;
using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Release;

namespace CapiRegistryHook.Unit.Tests.Hooks;

public sealed partial class MetricsTests : IDisposable
{
    private static readonly DateTimeOffset NotAfter = new(2030, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private readonly string _folder = Directory.CreateTempSubdirectory("metrics-").FullName;
    private readonly HookMetrics _metrics = new();
    private readonly ReconcilerMetrics _reconciler = new();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Sample_LabelWithSpecialCharacters_IsEscaped()
    {
        var text = new MetricsText();

        text.Sample("a_b", 0.25, ("x", "1\\2\"3\n4"), ("y", ""));
        text.Sample("a_b", double.PositiveInfinity);

        Assert.Equal("a_b{x=\"1\\\\2\\\"3\\n4\",y=\"\"} 0.25\na_b +Inf\n", text.ToString());
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(5, 0)]
    [InlineData(5.1, 1)]
    [InlineData(9_999, 10)]
    [InlineData(10_000, 10)]
    [InlineData(10_001, 11)]
    public void Record_AnyDuration_CountsFromItsBoundOn(double milliseconds, int firstBucket)
    {
        var series = _metrics.Of("Any");

        series.Record(CallOutcome.Success, TimeSpan.FromMilliseconds(milliseconds));

        Assert.Equal(
            Enumerable.Range(0, CallSeries.Bounds.Count + 1).Select(bucket => bucket >= firstBucket ? 1L : 0L), series.CumulativeCounts());
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), series.Sum);
    }

    [Fact]
    public void Record_ManyThreads_LosesNothing()
    {
        var series = _metrics.Of("Any");

        Parallel.For(0, 20_000, call => series.Record((CallOutcome)(call % 2), TimeSpan.FromMilliseconds(1)));

        Assert.Equal((10_000, 10_000), (series.Count(CallOutcome.Success), series.Count(CallOutcome.Blocked)));
        Assert.Equal(20_000, series.CumulativeCounts().Last());
        Assert.Equal(TimeSpan.FromSeconds(20), series.Sum);
    }

    [Fact]
    public void WriteTo_HookBeforeItsFirstCall_IsThereWithZeros()
    {
        _metrics.Of("BeforeClusterCreate");

        var lines = Write().Split('\n');

        Assert.Contains("capi_registry_hook_calls_total{hook=\"BeforeClusterCreate\",outcome=\"let_go\"} 0", lines);
        Assert.Contains("capi_registry_hook_call_duration_seconds_bucket{hook=\"BeforeClusterCreate\",le=\"0.005\"} 0", lines);
        Assert.Contains("capi_registry_hook_call_duration_seconds_bucket{hook=\"BeforeClusterCreate\",le=\"+Inf\"} 0", lines);
    }

    /// <summary>A new leader shows what was written down; what it read itself is newer, and stays.</summary>
    [Fact]
    public void Record_Volumes_ShowsTheNewestFigures()
    {
        var key = new ClusterKey("team-a", "c1");
        var found = new ReconcileResult(key, ClusterPhase.Ready) { Volumes = [new("registry-0", 1000, 600, 100, 10)] };
        _reconciler.Lead(new ReconcileQueue(new ReconcilerOptions(), TimeProvider.System));
        _reconciler.Record(found, TimeSpan.Zero);
        Assert.Contains(Line("used_bytes", 600), Write(), StringComparison.Ordinal);
        Assert.Contains(Line("capacity_bytes", 1000), Write(), StringComparison.Ordinal);
        Assert.Contains(Line("inodes", 100), Write(), StringComparison.Ordinal);
        Assert.Contains(Line("inodes_used", 10), Write(), StringComparison.Ordinal);

        _reconciler.Record(key, [new("registry-0", 1000, 604, 100, 10)]);
        _reconciler.Record(found, TimeSpan.Zero);
        Assert.Contains(Line("used_bytes", 604), Write(), StringComparison.Ordinal);

        _reconciler.Record(found with { Phase = ClusterPhase.Off, Volumes = null }, TimeSpan.Zero);
        Assert.DoesNotContain("registry-0", Write(), StringComparison.Ordinal);

        static string Line(string name, long value) =>
            $"capi_registry_hook_registry_volume_{name}{{cluster_namespace=\"team-a\",cluster=\"c1\",pod=\"registry-0\"}} {value}\n";
    }

    [Fact]
    public void Write_EveryLine_IsInTheTextFormat()
    {
        _metrics.Of("Discovery").Record(CallOutcome.Success, TimeSpan.FromMilliseconds(3));

        var page = Write();

        Assert.EndsWith("\n", page, StringComparison.Ordinal);
        var described = new HashSet<string>();
        foreach (var line in page.TrimEnd('\n').Split('\n'))
        {
            if (Type().Match(line) is { Success: true } type)
                Assert.True(described.Add(type.Groups[1].Value), line);
            else if (!line.StartsWith("# HELP ", StringComparison.Ordinal))
                Assert.Contains(Suffix().Replace(Sample().Match(line).Groups[1].Value, ""), described);
        }
    }

    [Fact]
    public void Write_ServingCertificate_TellsItsEnd() =>
        Assert.Contains(
            "capi_registry_hook_serving_certificate_not_after_timestamp_seconds 1893553445\n", Write(), StringComparison.Ordinal);

    [Fact]
    public void Write_Leading_TellsOfClustersAndForgetsThemAfterwards()
    {
        var summary = new CertificateSummary("0a", "0123456789abcdef", NotAfter, NotAfter.AddDays(-240));
        _reconciler.Lead(new ReconcileQueue(new ReconcilerOptions(), TimeProvider.System));
        _reconciler.Record(
            new ReconcileResult(new ClusterKey("team-a", "c1"), ClusterPhase.Ready) { Certificate = summary },
            TimeSpan.FromMilliseconds(20));
        _reconciler.Record(new ReconcileResult(new ClusterKey("team-a", "c2"), ClusterPhase.Invalid), TimeSpan.FromMilliseconds(20));
        _reconciler.Record(new ReconcileResult(new ClusterKey("team-a", "c3"), ClusterPhase.Gone), TimeSpan.FromMilliseconds(20));
        var leading = Write();
        _reconciler.Lead(null);

        var seconds = NotAfter.ToUnixTimeSeconds();
        Assert.Contains("capi_registry_hook_leader 1\n", leading, StringComparison.Ordinal);
        Assert.Contains(
            $"capi_registry_hook_certificate_not_after_timestamp_seconds{{cluster_namespace=\"team-a\",cluster=\"c1\"}} {seconds}\n",
            leading, StringComparison.Ordinal);
        Assert.Contains("capi_registry_hook_clusters{phase=\"ready\"} 1\n", leading, StringComparison.Ordinal);
        Assert.Contains("capi_registry_hook_clusters{phase=\"invalid\"} 1\n", leading, StringComparison.Ordinal);
        Assert.Contains("capi_registry_hook_reconcile_total{result=\"gone\"} 1\n", leading, StringComparison.Ordinal);
        Assert.Contains("capi_registry_hook_reconcile_duration_seconds_count 3\n", leading, StringComparison.Ordinal);
        Assert.Contains("capi_registry_hook_leader 0\n", Write(), StringComparison.Ordinal);
        Assert.DoesNotContain("c1", Write(), StringComparison.Ordinal);
    }

    /// <summary>An alert on the end of a certificate has to fire whatever keeps it from being renewed.</summary>
    [Theory]
    [InlineData(ClusterPhase.Invalid, true)]
    [InlineData(ClusterPhase.Paused, true)]
    [InlineData(ClusterPhase.Refused, true)]
    [InlineData(ClusterPhase.Unreachable, true)]
    [InlineData(ClusterPhase.Waiting, true)]
    [InlineData(ClusterPhase.Deleting, true)]
    [InlineData(ClusterPhase.Off, false)]
    [InlineData(ClusterPhase.Gone, false)]
    public void Write_CertificateNotKnownToTheLastReconcile_TellsItsEndUnlessTheRegistryIsGone(ClusterPhase phase, bool isTold)
    {
        var key = new ClusterKey("team-a", "c1");
        _reconciler.Lead(new ReconcileQueue(new ReconcilerOptions(), TimeProvider.System));
        _reconciler.Record(
            new ReconcileResult(key, ClusterPhase.Ready) { Certificate = new CertificateSummary("0a", "0b", NotAfter, NotAfter) }, default);

        _reconciler.Record(new ReconcileResult(key, phase), default);
        _reconciler.Record(new ReconcileResult(key, phase), default);

        Assert.Equal(isTold, Write().Contains("cluster=\"c1\"", StringComparison.Ordinal));
    }

    [Fact]
    public void Write_ForgottenCluster_IsNotThere()
    {
        var key = new ClusterKey("team-a", "c1");
        var queue = new ReconcileQueue(new ReconcilerOptions(), TimeProvider.System, _reconciler.Forget);
        _reconciler.Lead(queue);
        queue.EnqueueCluster(key, 1);
        _reconciler.Record(
            new ReconcileResult(key, ClusterPhase.Ready) { Certificate = new CertificateSummary("0a", "0b", NotAfter, NotAfter) }, default);

        queue.Forget(key);

        Assert.DoesNotContain("c1", Write(), StringComparison.Ordinal);
        Assert.Contains("capi_registry_hook_clusters{phase=\"ready\"} 0\n", Write(), StringComparison.Ordinal);
    }

    [Fact]
    public void Write_EveryDeclaredMetric_IsOnThePageWithItsType()
    {
        _metrics.Of("Discovery");
        _reconciler.Lead(new ReconcileQueue(new ReconcilerOptions(), TimeProvider.System));

        Assert.Equal(
            ServiceMetrics.All.Select(metric => $"{metric.FullName} {metric.Type}".ToLowerInvariant()).Order(StringComparer.Ordinal),
            Type().Matches(Write()).Select(match => $"{match.Groups[1]} {match.Groups[2]}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Sample_OtherLabelsThanDeclared_IsRefused() =>
        Assert.Throws<ArgumentException>(() => new MetricsText().Sample(ServiceMetrics.Calls, 1, "Discovery"));

    private string Write()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=metrics", key, HashAlgorithmName.SHA256).CreateSelfSigned(
            NotAfter.AddDays(-1), NotAfter);
        File.WriteAllText(Path.Combine(_folder, "tls.crt"), certificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(_folder, "tls.key"), key.ExportPkcs8PrivateKeyPem());
        var options = new ListenOptions { CertificateFile = Path.Combine(_folder, "tls.crt"), KeyFile = Path.Combine(_folder, "tls.key") };
        var serving = new ListenerCertificate(new CertificateFiles(options), TimeProvider.System);
        serving.LoadAsync(TestContext.Current.CancellationToken).GetAwaiter().GetResult();
        return new MetricsPage([_metrics, new RefusedCallers(), _reconciler, new ApiCallMetrics(new ApiCallCounts())], serving).Write();
    }

    [GeneratedRegex("^# TYPE ([a-z_]+) (counter|gauge|histogram)$", RegexOptions.Multiline)]
    private static partial Regex Type();

    [GeneratedRegex("""^([a-z_]+)(?:\{[a-z_]+="[^"]*"(?:,[a-z_]+="[^"]*")*\})? [0-9.+Inf]+$""")]
    private static partial Regex Sample();

    [GeneratedRegex("_(bucket|sum|count)$")]
    private static partial Regex Suffix();
}

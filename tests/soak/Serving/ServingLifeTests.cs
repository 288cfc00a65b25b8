using CapiRegistryHook.Certificates;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Registry.Serving;
using CapiRegistryHook.Unit.Tests.Registry.Serving;

namespace CapiRegistryHook.Soak.Tests.Serving;

/// <summary>
/// Twelve years of three replicas: renewals, two new authorities, API faults, restarts and replicas that no API server is reachable from
/// for weeks, and a Cluster API
/// that takes over what is published only after a while. At every moment every client accepts every replica.
/// </summary>
public sealed class ServingLifeTests(ITestOutputHelper output)
{
    private const int Years = 12;

    private static readonly TimeSpan Step = TimeSpan.FromDays(6);

    /// <summary>
    /// A third of a certificate's life, 30 days, is left when it is renewed; a replica that is cut off for longer serves a certificate
    /// that ends.
    /// </summary>
    private static readonly TimeSpan LongestCut = TimeSpan.FromDays(14);

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task RefreshAsync_TwelveYearsOfFaults_EveryClientAcceptsEveryReplica()
    {
        var seed = TestSeed.From("SERVING_SEED");
        var random = new Random(seed);
        await using var fixture = await ServingFixture.StartAsync();
        fixture.Server.InjectFault(_ => random.Next(20) == 0 ? AnyFault(random) : null);
        var replicas = Enumerable.Range(0, 3).Select(_ => new Replica(fixture.NewReplica())).ToList();
        foreach (var replica in replicas)
            await replica.StartAsync();
        var clusterApi = await InjectAsync(fixture);
        var authorities = new HashSet<string>();
        var end = fixture.Time.GetUtcNow().AddYears(Years);

        while (fixture.Time.GetUtcNow() < end)
        {
            fixture.Time.Advance(Step);
            foreach (var replica in replicas.Where(replica => replica.CutUntil <= fixture.Time.GetUtcNow()))
                await replica.LiveAsync(random, fixture.Time.GetUtcNow());
            // Late by weeks at times, and it never looks at the moment when something has changed.
            if (random.Next(5) == 0)
                clusterApi = await InjectAsync(fixture);
            var chartProvider = await PublishedAsync(fixture);
            authorities.UnionWith(chartProvider.Select(certificate => certificate.Thumbprint));
            foreach (var replica in replicas)
            {
                Assert.True(
                    fixture.Accepts(clusterApi, replica.Shown!), $"Cluster API can't call a replica at {fixture.Time.GetUtcNow():u}.");
                Assert.True(fixture.Accepts(chartProvider, replica.Shown!),
                    $"The chart can't be fetched from a replica at {fixture.Time.GetUtcNow():u}.");
            }
        }

        output.WriteLine(
            $"seed {seed}: {authorities.Count} authorities, {replicas.Sum(replica => replica.Certificates)} certificates, "
                + $"{replicas.Sum(replica => replica.Failures)} failed looks.");
        Assert.Equal(3, authorities.Count);
        Assert.True(replicas.All(replica => replica.Certificates > 50 && replica.Failures > 0));
    }

    private static Fault AnyFault(Random random) => random.Next(4) switch
    {
        0 => Fault.DropAfter(),
        1 => Fault.DropBefore(),
        2 => Fault.Status(500, "InternalError"),
        _ => Fault.Status(409, "Conflict"),
    };

    private static Task<TrustBundle> InjectAsync(ServingFixture fixture) => WithoutFaultsAsync(fixture.InjectAsync);

    private static Task<TrustBundle> PublishedAsync(ServingFixture fixture) => WithoutFaultsAsync(fixture.PublishedAsync);

    /// <summary>The players' own calls meet faults too; they just try again.</summary>
    private static async Task<T> WithoutFaultsAsync<T>(Func<Task<T>> call)
    {
        while (true)
        {
            try
            {
                return await call();
            }
            catch (Exception exception) when (exception is InvalidOperationException or HttpRequestException)
            {
                // Its turn will come.
            }
        }
    }

    private sealed class Replica(SelfManagedServing serving)
    {
        public IssuedServingCertificate? Shown { get; private set; }

        public DateTimeOffset CutUntil { get; private set; } = DateTimeOffset.MinValue;

        public int Certificates { get; private set; }

        public int Failures { get; private set; }

        public async Task StartAsync()
        {
            while (Shown is null)
                await LookAsync();
        }

        /// <summary>Looks, and now and then restarts or is cut off.</summary>
        public async Task LiveAsync(Random random, DateTimeOffset now)
        {
            if (random.Next(40) == 0)
            {
                Shown = null;
                await StartAsync();
            }
            else if (random.Next(40) == 0)
            {
                CutUntil = now + (LongestCut * random.NextDouble());
            }
            else
            {
                await LookAsync();
            }
        }

        private async Task LookAsync()
        {
            try
            {
                var before = Shown;
                Shown = await serving.RefreshAsync(Shown, CancellationToken);
                Certificates += ReferenceEquals(before, Shown) ? 0 : 1;
            }
            catch (ServingAuthorityException)
            {
                Failures++;
            }
        }
    }
}

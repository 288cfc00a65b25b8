using System.Collections.Concurrent;

namespace CapiRegistryHook.Harness.Service;

/// <summary>
/// Many callers at once, each with a connection of its own, mixed over all hooks: what Cluster API would do with a large fleet in a
/// hurry.
/// </summary>
public static class LoadRun
{
    private const string Version = "1.13.4";

    /// <summary>Cluster API calls the first two twice as often.</summary>
    private static readonly string[] Topology =
        ["GeneratePatches", "GeneratePatches", "ValidateTopology", "ValidateTopology", "DiscoverVariables", "Discovery"];

    private static readonly string[] Lifecycle = ["BeforeClusterCreate", "AfterControlPlaneInitialized", "BeforeClusterUpgrade"];

    /// <summary>Prepares clusters, warms up, and then counts for a while.</summary>
    /// <param name="environment">Where the clusters are; healthy.</param>
    /// <param name="service">Who is called.</param>
    /// <param name="callers">How many call at once, without a pause between two calls.</param>
    /// <param name="warmUp">How long they call before anything counts, so that memory is what it is under load.</param>
    /// <param name="duration">How long they are counted.</param>
    /// <param name="cancellationToken">Ends the run.</param>
    public static async Task<LoadFigures> PlayAsync(
        TestEnvironment environment, HookService service, int callers, TimeSpan warmUp, TimeSpan duration,
        CancellationToken cancellationToken)
    {
        var requests = await PrepareAsync(environment, service, cancellationToken);
        var connections = Enumerable.Range(0, callers).Select(_ => service.CreateClusterApi()).ToList();
        try
        {
            await CallAllAsync(connections, requests, warmUp, cancellationToken);
            var before = service.ResidentBytes();
            var started = TimeProvider.System.GetTimestamp();
            var counted = await CallAllAsync(connections, requests, duration, cancellationToken);
            var took = TimeProvider.System.GetElapsedTime(started);
            return new LoadFigures([.. counted.Select(call => call.Milliseconds).Order()],
                [.. counted.Select(call => call.Problem).OfType<string>()], took, before, service.ResidentBytes());
        }
        finally
        {
            connections.ForEach(connection => connection.Dispose());
        }
    }

    /// <summary>
    /// A registry for each of twenty clusters, so that lifecycle hooks find what they find in a fleet that runs: nothing to do.
    /// </summary>
    private static async Task<IReadOnlyList<(string Path, byte[] Body)>> PrepareAsync(
        TestEnvironment environment, HookService service, CancellationToken cancellationToken)
    {
        const int Clusters = 20;
        using var capi = service.CreateClusterApi();
        List<(string Path, byte[] Body)> requests = [];
        for (var index = 0; index < Clusters; index++)
        {
            var cluster = await environment.CreateClusterAsync($"load{index}", cancellationToken);
            await environment.GiveKubeconfigAsync(cluster, cancellationToken);
            foreach (var request in Lifecycle.Select(hook => RecordedHookRequest.Load(Version, hook).For(cluster)))
            {
                await capi.PostAsync(request, cancellationToken);
                requests.Add((request.Path, request.ToBytes()));
            }

            requests.AddRange(Topology.Select(hook => RecordedHookRequest.Load(Version, hook)).Select(
                request => (request.Path, request.ToBytes())));
        }

        return requests;
    }

    private static async Task<IReadOnlyCollection<(double Milliseconds, string? Problem)>> CallAllAsync(
        List<ClusterApi> connections, IReadOnlyList<(string Path, byte[] Body)> requests, TimeSpan duration,
        CancellationToken cancellationToken)
    {
        var calls = new ConcurrentBag<(double, string?)>();
        var started = TimeProvider.System.GetTimestamp();
        await Task.WhenAll(connections.Select((connection, caller) => Task.Run(async () =>
        {
            var random = new Random(caller);
            while (TimeProvider.System.GetElapsedTime(started) < duration)
                calls.Add(await CallAsync(connection, requests[random.Next(requests.Count)], cancellationToken));
        }, cancellationToken)));
        return calls;
    }

    private static async Task<(double Milliseconds, string? Problem)> CallAsync(
        ClusterApi connection, (string Path, byte[] Body) request, CancellationToken cancellationToken)
    {
        var started = TimeProvider.System.GetTimestamp();
        try
        {
            var answer = await connection.SendAsync(HttpMethod.Post, request.Path, request.Body, cancellationToken);
            var isGood = answer.StatusCode == 200 && answer.Text.Contains("\"status\":\"Success\"", StringComparison.Ordinal)
                && (!answer.Text.Contains("retryAfterSeconds", StringComparison.Ordinal) || answer.RetryAfterSeconds == 0);
            return (answer.Took.TotalMilliseconds,
                isGood ? null : $"{answer.StatusCode} {answer.Text[..Math.Min(200, answer.Text.Length)]}");
        }
        catch (Exception exception)
            when (exception is HttpRequestException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return (TimeProvider.System.GetElapsedTime(started).TotalMilliseconds, exception.Message);
        }
    }
}

/// <summary>What came of the calls.</summary>
/// <param name="Milliseconds">How long each took, in ascending order.</param>
/// <param name="Problems">What was wrong with those that were not answered with "go on".</param>
/// <param name="Took">How long they were counted.</param>
/// <param name="BytesBefore">Resident memory of the service under load, when counting began.</param>
/// <param name="BytesAfter">The same when it ended.</param>
public sealed record LoadFigures(
    IReadOnlyList<double> Milliseconds, IReadOnlyList<string> Problems, TimeSpan Took, long BytesBefore, long BytesAfter)
{
    /// <summary>The smallest time that at least this share of the calls did not exceed.</summary>
    public double At(double share) => Milliseconds[Math.Max(0, (int)Math.Ceiling(share * Milliseconds.Count) - 1)];
}

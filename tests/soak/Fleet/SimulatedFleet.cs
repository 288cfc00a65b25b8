using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Registry;
using CapiRegistryHook.Registry.Authorities;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Release;
using CapiRegistryHook.Registry.Trust;
using CapiRegistryHook.Unit.Tests;

namespace CapiRegistryHook.Soak.Tests.Fleet;

/// <summary>
/// A management cluster with its clusters, day by day: the simulation plays Cluster API (hooks, nodes that come and go), the add-on
/// provider
/// (pods that roll), users and fate; the product's own code does the rest, in two replicas of which one leads.
/// </summary>
internal sealed class SimulatedFleet : IDisposable
{
    private const int NodesPerCluster = 3;
    private const int EventDays = 30;

    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    /// <summary>
    /// An hour in the product; here it only has to be short beside the third of a certificate's life that is left at its renewal.
    /// </summary>
    private static readonly TimeSpan Resync = TimeSpan.FromDays(90);

    private readonly SimulatedWorld _world;
    private readonly List<SimulatedCluster> _clusters = [];
    private readonly SimulatedReplica[] _replicas = new SimulatedReplica[2];
    private int _leader;
    private int _day;
    private string? _bannedRoot;

    public SimulatedFleet(SimulatedWorld world, string name)
    {
        _world = world;
        Management = new InProcessApi(
            new Uri($"https://{name}.test"), world.Time, [ManagementObjects.HookNamespace, .. SimulatedWorld.Namespaces]);
        Objects = new ManagementObjects(Management);
        for (var index = 0; index < _replicas.Length; index++)
            _replicas[index] = new SimulatedReplica(world, this);
    }

    public InProcessApi Management { get; }

    public ManagementObjects Objects { get; }

    public IReadOnlyList<SimulatedCluster> Clusters => _clusters;

    private FixedTime Time => _world.Time;

    private SimulatedChaos Chaos => _world.Chaos;

    private SimulatedCounts Counts => _world.Counts;

    /// <summary>A cluster is born: the hooks are called until they succeed, as Cluster API does.</summary>
    public async Task AddClusterAsync(CancellationToken cancellationToken)
    {
        var cluster = _world.NewCluster();
        cluster.NextUpgrade = Time.GetUtcNow() + UpgradePause();
        _clusters.Add(cluster);
        await Objects.CreateClusterAsync(cluster, cancellationToken);
        await InsistAsync(async registry =>
            await registry.PrepareAsync(await Objects.ReadAsync(cluster, cancellationToken), cancellationToken));
        for (var node = 0; node < NodesPerCluster; node++)
            await AddNodeAsync(cluster, cancellationToken);
        await Objects.GiveKubeconfigAsync(cluster, _world.AnyAuthority, cancellationToken);
        // Called once; what it leaves undone is the reconciler's.
        await AnyReplica().Registry.InstallAsync(await Objects.ReadAsync(cluster, cancellationToken), cancellationToken);
        (cluster.Due, cluster.MayHaveChanged) = (Time.GetUtcNow(), true);
    }

    /// <summary>A cluster is no longer needed. The informer tells the leader, as FleetService shows.</summary>
    public async Task DeleteClusterAsync(SimulatedCluster cluster, CancellationToken cancellationToken)
    {
        await Objects.DeleteAsync(cluster, cancellationToken);
        // A reconcile that was requested before does nothing to what is gone.
        var status = await Leader.ReconcileAsync(cluster.Key, cancellationToken);
        Assert.True(status.Phase is ClusterPhase.Gone or ClusterPhase.Unreachable, $"{cluster.Name}: {status.Phase}");
        Leader.Registry.Fleet.Forget(cluster.Key);
        _clusters.Remove(cluster);
        _world.Remove(cluster);
        Counts.Deletions++;
    }

    /// <summary>The Clusters are paused, and stay so until <see cref="TakeOverAsync"/>.</summary>
    public async Task PauseAsync(IReadOnlyList<SimulatedCluster> clusters, CancellationToken cancellationToken)
    {
        foreach (var cluster in clusters)
        {
            await Objects.PauseAsync(cluster, true, cancellationToken);
            (cluster.IsPaused, cluster.Due) = (true, Time.GetUtcNow());
        }
    }

    /// <summary>Paused clusters come from another management cluster, with a copy of its root.</summary>
    public async Task TakeOverAsync(
        SimulatedFleet from, IReadOnlyList<SimulatedCluster> clusters, CancellationToken cancellationToken)
    {
        await Objects.CopyRootAsync(from.Objects, cancellationToken);
        foreach (var cluster in clusters)
        {
            await Objects.TakeOverAsync(cluster, from.Objects, cancellationToken);
            from._clusters.Remove(cluster);
            _clusters.Add(cluster);
            (cluster.IsPaused, cluster.Due, cluster.MayHaveChanged) = (false, Time.GetUtcNow(), true);
            Counts.Moves++;
        }
    }

    /// <summary>
    /// One day: fate, then Cluster API, then the add-on provider, then the reconciler; at its end every node accepts every pod.
    /// </summary>
    public async Task LiveAsync(CancellationToken cancellationToken)
    {
        ChangeLeaders();
        if (_day++ % EventDays == 0)
            await Objects.ForgetEventsAsync(cancellationToken);
        foreach (var cluster in _clusters.ToList())
        {
            if (!cluster.IsPaused && !cluster.HasForeignRelease && Chaos.Happens(0.0002))
            {
                await DeleteClusterAsync(cluster, cancellationToken);
                continue;
            }

            MeetFate(cluster);
            await ReplaceNodesAsync(cluster, cancellationToken);
            await UpgradeAsync(cluster, cancellationToken);
            await RollAsync(cluster, cancellationToken);
            await ReconcileAsync(cluster, cancellationToken);
            cluster.Judge();
        }

        await AdvanceAsync(cancellationToken);
    }

    /// <summary>An admin asks for another root.</summary>
    public Task AskForRotationAsync(string request, CancellationToken cancellationToken) =>
        Objects.AnnotateRootAsync(AuthoritySecret.RotateAnnotation, request, cancellationToken);

    /// <summary>An admin says that somebody else has the root's key. Once it has left a bundle it must not come back.</summary>
    public async Task BanRootAsync(CancellationToken cancellationToken)
    {
        var pem = await Objects.RootAsync(cancellationToken);
        _bannedRoot = pem[..pem.IndexOf("-----END", StringComparison.Ordinal)].Trim();
        foreach (var cluster in _clusters)
            Assert.Contains(_bannedRoot, await Objects.TrustAsync(cluster, cancellationToken), StringComparison.Ordinal);
        var connection = new ClusterConnection { Server = Management.Address, Credentials = new StaticToken(Management.Token) };
        using var client = new KubernetesClient(
            connection, new KubernetesClientOptions { CreateHandler = _ => Management.CreateHandler() }, Time);
        var answer = await RotationRequest.PlaceAsync(
            client, new RegistryOptions(), isCompromised: true, Time.GetUtcNow(), cancellationToken);
        Assert.True(answer.IsPlaced, answer.Text);
    }

    /// <summary>
    /// Nothing is left undone, but what a node that was replaced since the last reconcile allows, or a certificate that became due on the
    /// last day: one reconcile drops the former root or renews, the pods and the next reconcile follow. Nothing is left of the clusters
    /// that
    /// were deleted.
    /// </summary>
    public async Task AssertAllReadyAsync(CancellationToken cancellationToken)
    {
        foreach (var cluster in _clusters)
        {
            for (var attempt = 0; attempt < 2; attempt++)
            {
                await Leader.ReconcileAsync(cluster.Key, cancellationToken);
                cluster.MayHaveChanged = true;
                await RollAsync(cluster, cancellationToken);
            }

            var status = await Leader.ReconcileAsync(cluster.Key, cancellationToken);
            var expected = cluster.HasForeignRelease ? ClusterPhase.Refused : ClusterPhase.Ready;
            Assert.True(status.Phase == expected, $"{cluster.Name}: {status.Phase}: {status.Reason}");
            Assert.Empty(status.Changes);
            Assert.All(cluster.ServedSerials, serial => Assert.Equal(status.Certificate!.Serial, serial));
            Assert.Equal(cluster.HasForeignRelease, !cluster.Served.Any());
            // A registry that was never installed has shown nobody what replaces a root.
            if (_bannedRoot is { } banned && !cluster.HasForeignRelease)
                Assert.False(
                    (await Objects.TrustAsync(cluster, cancellationToken)).Contains(banned, StringComparison.Ordinal),
                    $"{cluster.Name} trusts the compromised root.");
        }

        var report = await Leader.Registry.Fleet.ReadStatusAsync(null, cancellationToken);
        Assert.Equal(_clusters.Select(cluster => cluster.Key).ToHashSet(), report.Select(status => status.Cluster).ToHashSet());
        await AssertNothingElseAsync(cancellationToken);
    }

    public void Dispose()
    {
        foreach (var replica in _replicas)
            replica.Dispose();
        _clusters.ForEach(cluster => cluster.Dispose());
        Objects.Dispose();
    }

    private async Task AssertNothingElseAsync(CancellationToken cancellationToken)
    {
        var names = await Objects.NamesAsync(cancellationToken);
        var own = _clusters.SelectMany(cluster => new[]
        {
            cluster.Name, cluster.Release, $"{cluster.Name}-kubeconfig", $"{cluster.Name}-registry-addon-ca",
        }.Concat(cluster.Nodes.Keys)).ToHashSet();
        Assert.Empty(names.Except(own));
        Assert.Equal(_clusters.Count, _clusters.Count(cluster => names.Contains(cluster.Release) && cluster.Release.Length <= 63));
        foreach (var cluster in _clusters.Where(cluster => cluster.HasForeignRelease))
            Assert.Equal("somebody-elses", (string?)(await Objects.FindReleaseAsync(cluster, cancellationToken))!["spec"]!["chartName"]);
    }

    private SimulatedReplica Leader => _replicas[_leader];

    private SimulatedReplica AnyReplica() => _replicas[Chaos.Happens(0.5) ? 0 : 1];

    /// <summary>A dead replica is started anew, and whoever lives leads; now and then the Lease changes hands for no reason.</summary>
    private void ChangeLeaders()
    {
        var former = Leader;
        for (var index = 0; index < _replicas.Length; index++)
        {
            if (!_replicas[index].IsDead)
                continue;
            _replicas[index].Dispose();
            _replicas[index] = new SimulatedReplica(_world, this);
            if (index == _leader)
                _leader = 1 - index;
        }

        if (Chaos.Happens(0.01))
            _leader = 1 - _leader;
        if (Leader != former)
            Counts.LeaderChanges++;
    }

    private void MeetFate(SimulatedCluster cluster)
    {
        // Shorter than what is left of a certificate at its renewal: against a longer one nothing helps.
        if (cluster.IsThere && Chaos.Happens(0.0008))
        {
            cluster.AwayUntil = Time.GetUtcNow() + Chaos.Between(Day, Day * 150);
            Counts.Absences++;
        }

        if (Chaos.IsOver)
            cluster.AwayUntil = DateTimeOffset.MinValue;
        if (Chaos.Happens(0.001) && cluster.Nodes.Count > 0)
            cluster.Replacements.TryAdd(cluster.Nodes.Keys.First(), Time.GetUtcNow());
    }

    private async Task ReplaceNodesAsync(SimulatedCluster cluster, CancellationToken cancellationToken)
    {
        var now = Time.GetUtcNow();
        foreach (var (name, moment) in cluster.Replacements.ToList())
        {
            if (moment > now || cluster.IsPaused)
                continue;
            await AddNodeAsync(cluster, cancellationToken);
            await Objects.RemoveMachineAsync(cluster, name, cancellationToken);
            cluster.RemoveNode(name);
            cluster.Replacements.Remove(name);
        }
    }

    private async Task UpgradeAsync(SimulatedCluster cluster, CancellationToken cancellationToken)
    {
        var now = Time.GetUtcNow();
        if (now < cluster.NextUpgrade || cluster.IsPaused)
            return;
        cluster.MayHaveChanged = true;
        var version = $"v1.{cluster.Minor + 1}.0";
        var outcome = await AnyReplica().Registry.UpgradeAsync(
            await Objects.ReadAsync(cluster, cancellationToken), version, cancellationToken);
        if (outcome.Kind is not (OutcomeKind.Done or OutcomeKind.LetGo))
            return;
        Counts.Upgrades++;
        cluster.Minor++;
        cluster.NextUpgrade = now + UpgradePause();
        foreach (var name in cluster.Nodes.Keys)
            cluster.Replacements[name] = now + Chaos.Between(TimeSpan.Zero, Day * 10);
        cluster.Due = now;
    }

    private async Task RollAsync(SimulatedCluster cluster, CancellationToken cancellationToken)
    {
        if (!cluster.IsThere)
            return;
        if (Chaos.Happens(0.01))
            await cluster.RestartOneAsync(Chaos.Happens(0.5) ? 0 : 1, cancellationToken);
        if (!cluster.MayHaveChanged || (!Chaos.IsOver && !Chaos.Happens(0.7)))
            return;
        if (!cluster.HasForeignRelease)
            await cluster.RollAsync(await Objects.FindReleaseAsync(cluster, cancellationToken), cancellationToken);
        cluster.MayHaveChanged = false;
    }

    private async Task ReconcileAsync(SimulatedCluster cluster, CancellationToken cancellationToken)
    {
        var now = Time.GetUtcNow();
        if (now < cluster.Due)
            return;
        // A leader that lost the Lease and does not know it yet.
        var former = Chaos.Happens(0.02) ? _replicas[1 - _leader].ReconcileAsync(cluster.Key, cancellationToken) : null;
        cluster.MayHaveChanged = true;
        var status = await Leader.ReconcileAsync(cluster.Key, cancellationToken);
        if (former is not null)
            await former;
        Counts.Reconciles++;
        var isDone = status.Phase is ClusterPhase.Ready or ClusterPhase.Paused || cluster.HasForeignRelease;
        if (!isDone)
            Counts.Unfinished++;
        var resync = now + Chaos.Between(Resync / 2, Resync);
        cluster.Due = !isDone ? now + Day : status.Certificate?.RenewAt < resync ? status.Certificate.RenewAt : resync;
    }

    private async Task AdvanceAsync(CancellationToken cancellationToken)
    {
        var report = await Leader.AdvanceAsync(cancellationToken);
        Counts.Note(report);
        if (report.Changes.Count == 0)
            return;
        // A watch tells of the Secrets; the leader then looks at every cluster soon.
        foreach (var cluster in _clusters)
            cluster.Due = Earlier(cluster.Due, Time.GetUtcNow() + Chaos.Between(TimeSpan.Zero, Day * 3));
    }

    private async Task AddNodeAsync(SimulatedCluster cluster, CancellationToken cancellationToken)
    {
        var name = $"m{Counts.Nodes++}";
        await Objects.AddMachineAsync(cluster, name, cancellationToken);
        var trust = await Objects.TrustAsync(cluster, cancellationToken);
        if (_bannedRoot is not null)
        {
            var isThere = trust.Contains(_bannedRoot, StringComparison.Ordinal);
            Assert.False(isThere && cluster.IsRidOfBannedRoot, $"{cluster.Name} trusts the compromised root again.");
            cluster.IsRidOfBannedRoot |= !isThere;
        }

        cluster.AddNode(name, trust);
    }

    /// <summary>Until it succeeds; a replica that dies over it is replaced.</summary>
    private async Task InsistAsync(Func<RegistryLifecycle, Task<RegistryOutcome>> call)
    {
        const int Tries = 100;
        for (var attempt = 0; attempt < Tries; attempt++)
        {
            ChangeLeaders();
            if ((await call(AnyReplica().Registry)).Kind == OutcomeKind.Done)
                return;
        }

        throw new InvalidOperationException($"A hook did not succeed in {Tries} calls.");
    }

    private static DateTimeOffset Earlier(DateTimeOffset left, DateTimeOffset right) => left < right ? left : right;

    /// <summary>Some upgrade every few months, some only after years.</summary>
    private TimeSpan UpgradePause() => Chaos.Between(Day * 120, Chaos.Happens(0.2) ? Day * 1000 : Day * 500);
}

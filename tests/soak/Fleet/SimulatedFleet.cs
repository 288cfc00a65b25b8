using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Registry;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Release;
using CapiRegistryHook.Unit.Tests;

namespace CapiRegistryHook.Soak.Tests.Fleet;

/// <summary>
/// A management cluster with its clusters, day by day: the simulation plays Cluster API (hooks, nodes that come and go), the add-on
/// provider
/// (pods that roll), users and fate; the product's own code does the rest, in two replicas of which one leads.
/// </summary>
internal sealed class SimulatedFleet : IDisposable
{
    private const string Namespace = "default";
    private const string HookNamespace = "capi-registry-hook-system";
    private const string Machines = "/apis/cluster.x-k8s.io/v1beta2/namespaces/default/machines";
    private const int NodesPerCluster = 3;

    private static readonly TimeSpan Day = TimeSpan.FromDays(1);
    /// <summary>
    /// An hour in the product; here it only has to be short beside the third of a certificate's life that is left at its renewal.
    /// </summary>
    private static readonly TimeSpan Resync = TimeSpan.FromDays(90);

    private readonly AdminClient _admin;
    private readonly string _anyAuthority;
    private readonly List<SimulatedCluster> _clusters = [];
    private readonly SimulatedReplica[] _replicas = new SimulatedReplica[2];
    private int _leader;
    private int _machines;

    public SimulatedFleet(int seed, DateTimeOffset start)
    {
        Time = new FixedTime(start);
        Chaos = new SimulatedChaos(seed);
        Management = new InProcessApi(new Uri("https://management.test"), Time, Namespace, HookNamespace);
        _admin = new AdminClient(Management);
        using var authority = LoopbackAuthority.Create(Time);
        _anyAuthority = authority.CertificatePem;
        for (var index = 0; index < _replicas.Length; index++)
            _replicas[index] = new SimulatedReplica(this);
    }

    public FixedTime Time { get; }

    public SimulatedChaos Chaos { get; }

    public InProcessApi Management { get; }

    public KeyLedger Keys { get; } = new();

    /// <summary>What happened, in numbers.</summary>
    public SimulatedCounts Counts { get; } = new();

    public IReadOnlyList<SimulatedCluster> Clusters => _clusters;

    /// <summary>The API server that a kubeconfig names.</summary>
    public SimulatedCluster? Find(string host) => _clusters.FirstOrDefault(cluster => cluster.Api.Address.Host == host);

    /// <summary>A cluster is born: the hooks are called until they succeed, as Cluster API does.</summary>
    public async Task AddClusterAsync(CancellationToken cancellationToken)
    {
        var cluster = new SimulatedCluster(this, $"c{_clusters.Count}") { NextUpgrade = Time.GetUtcNow() + UpgradePause() };
        _clusters.Add(cluster);
        await _admin.CreateAsync(AdminClient.Clusters(Namespace), TestEnvironment.NewCluster(cluster.Name), cancellationToken);
        await InsistAsync(async registry => await registry.PrepareAsync(await ReadAsync(cluster, cancellationToken), cancellationToken));
        for (var node = 0; node < NodesPerCluster; node++)
            await AddNodeAsync(cluster, cancellationToken);
        var kubeconfig = KubeconfigText.Write(cluster.Name, cluster.Api.Address, _anyAuthority, cluster.Api.Token);
        await _admin.CreateAsync(AdminClient.Secrets(Namespace), new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = $"{cluster.Name}-kubeconfig" },
            ["data"] = new JsonObject { ["value"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(kubeconfig)) },
        }, cancellationToken);
        // Called once; what it leaves undone is the reconciler's.
        await AnyReplica().Registry.InstallAsync(await ReadAsync(cluster, cancellationToken), cancellationToken);
        (cluster.Due, cluster.MayHaveChanged) = (Time.GetUtcNow(), true);
    }

    /// <summary>
    /// One day: fate, then Cluster API, then the add-on provider, then the reconciler; at its end every node accepts every pod.
    /// </summary>
    public async Task LiveAsync(CancellationToken cancellationToken)
    {
        Time.Advance(Day);
        ChangeLeaders();
        foreach (var cluster in _clusters)
        {
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
    public Task AskForRotationAsync(string request, CancellationToken cancellationToken) => _admin.MergePatchAsync(
        AdminClient.Secrets(HookNamespace), "registry-addon-root-ca",
        new JsonObject { ["metadata"] =
            new JsonObject { ["annotations"] = new JsonObject { ["capi-registry-hook.io/rotate-ca"] = request } } }, cancellationToken);

    /// <summary>How many roots the nodes of a cluster made now would trust.</summary>
    public async Task<int> CountRootsAsync(SimulatedCluster cluster, CancellationToken cancellationToken) =>
        (await TrustAsync(cluster, cancellationToken)).Split("BEGIN CERTIFICATE").Length - 1;

    /// <summary>
    /// Nothing is left undone, but what a node that was replaced since the last look allows: one pass drops the former root, the next
    /// follows.
    /// </summary>
    public async Task AssertAllReadyAsync(CancellationToken cancellationToken)
    {
        foreach (var cluster in _clusters)
        {
            for (var pass = 0; pass < 2; pass++)
                await Leader.ReconcileAsync(new ClusterKey(Namespace, cluster.Name), cancellationToken);
            var status = await Leader.ReconcileAsync(new ClusterKey(Namespace, cluster.Name), cancellationToken);
            Assert.True(status.Phase == ClusterPhase.Ready, $"{cluster.Name}: {status.Phase}: {status.Reason}");
            Assert.Empty(status.Changes);
            Assert.All(cluster.ServedSerials, serial => Assert.Equal(status.Certificate!.Serial, serial));
        }
    }

    public void Dispose()
    {
        foreach (var replica in _replicas)
            replica.Dispose();
        _clusters.ForEach(cluster => cluster.Dispose());
        _admin.Dispose();
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
            _replicas[index] = new SimulatedReplica(this);
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
            if (moment > now)
                continue;
            await AddNodeAsync(cluster, cancellationToken);
            await _admin.DeleteIfThereAsync(Machines, name, cancellationToken);
            cluster.RemoveNode(name);
            cluster.Replacements.Remove(name);
        }
    }

    private async Task UpgradeAsync(SimulatedCluster cluster, CancellationToken cancellationToken)
    {
        var now = Time.GetUtcNow();
        if (now < cluster.NextUpgrade)
            return;
        cluster.MayHaveChanged = true;
        var version = $"v1.{cluster.Minor + 1}.0";
        var outcome = await AnyReplica().Registry.UpgradeAsync(await ReadAsync(cluster, cancellationToken), version, cancellationToken);
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
        var proxy = await _admin.FindAsync(AdminClient.ChartProxies(Namespace), $"{cluster.Name}-registry", cancellationToken);
        await cluster.RollAsync(proxy, cancellationToken);
        cluster.MayHaveChanged = false;
    }

    private async Task ReconcileAsync(SimulatedCluster cluster, CancellationToken cancellationToken)
    {
        var now = Time.GetUtcNow();
        if (now < cluster.Due)
            return;
        var key = new ClusterKey(Namespace, cluster.Name);
        // A leader that lost the Lease and does not know it yet.
        var former = Chaos.Happens(0.02) ? _replicas[1 - _leader].ReconcileAsync(key, cancellationToken) : null;
        cluster.MayHaveChanged = true;
        var status = await Leader.ReconcileAsync(key, cancellationToken);
        if (former is not null)
            await former;
        Counts.Passes++;
        var isDone = status.Phase == ClusterPhase.Ready;
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
        var name = string.Create(CultureInfo.InvariantCulture, $"{cluster.Name}-{_machines++}");
        await _admin.CreateAsync(Machines, new JsonObject
        {
            ["apiVersion"] = "cluster.x-k8s.io/v1beta2",
            ["kind"] = "Machine",
            ["metadata"] = new JsonObject { ["name"] = name,
            ["labels"] = new JsonObject { ["cluster.x-k8s.io/cluster-name"] = cluster.Name } },
            ["spec"] = new JsonObject(),
        }, cancellationToken);
        cluster.AddNode(name, await TrustAsync(cluster, cancellationToken));
        Counts.Nodes++;
    }

    private async Task<string> TrustAsync(SimulatedCluster cluster, CancellationToken cancellationToken)
    {
        var secret = await _admin.GetAsync(AdminClient.Secrets(Namespace), $"{cluster.Name}-registry-addon-ca", cancellationToken);
        return Encoding.ASCII.GetString(Convert.FromBase64String((string)secret["data"]!["ca.crt"]!));
    }

    private async Task<Cluster> ReadAsync(SimulatedCluster cluster, CancellationToken cancellationToken)
    {
        var json = await _admin.GetAsync(AdminClient.Clusters(Namespace), cluster.Name, cancellationToken);
        return Cluster.Read(JsonSerializer.SerializeToElement(json));
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

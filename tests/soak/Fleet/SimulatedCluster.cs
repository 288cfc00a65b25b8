using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Text;
using CapiRegistryHook.Unit.Tests;

namespace CapiRegistryHook.Soak.Tests.Fleet;

/// <summary>
/// One workload cluster: its API server, its nodes with the CA file that each was made with, and its registry's pods with the certificate
/// that each read at its start. Whatever a node would not accept is an <see cref="InvalidOperationException"/>.
/// </summary>
internal sealed partial class SimulatedCluster : IDisposable
{
    private const int Replicas = 2;

    private readonly ClusterRecords _records;
    private readonly AdminClient _workload;
    private readonly string[] _served = new string[Replicas];

    /// <summary>Until when each pair of what is served and what is trusted was found good.</summary>
    private readonly Dictionary<(string Served, string Trusted), DateTimeOffset> _judged = [];

    /// <summary>Until when all pairs are good, unless a pod or a node comes.</summary>
    private DateTimeOffset _goodUntil = DateTimeOffset.MinValue;

    private string? _rolledSerial;

    public SimulatedCluster(ClusterRecords records, string @namespace, string name)
    {
        _records = records;
        Key = new ClusterKey(@namespace, name);
        Api = new InProcessApi(new Uri($"https://{name}.test"), records.Time, "default", name);
        _workload = new AdminClient(Api);
    }

    public ClusterKey Key { get; }

    public string Name => Key.Name;

    /// <summary>The name of its HelmChartProxy.</summary>
    public string Release => KubernetesNames.Fit(Name, "-registry");

    /// <summary>True when the Cluster is so large that a page of its kind is more than a client reads.</summary>
    public bool IsFat { get; init; }

    /// <summary>True when somebody else's HelmChartProxy has the name that its own would have.</summary>
    public bool HasForeignRelease { get; init; }

    /// <summary>True while it is on its way to another management cluster.</summary>
    public bool IsPaused { get; set; }

    /// <summary>The trust bundles of its nodes to come no longer hold the root that was compromised.</summary>
    public bool IsRidOfBannedRoot { get; set; }

    public InProcessApi Api { get; }

    /// <summary>When it can be reached again; in the past while it can.</summary>
    public DateTimeOffset AwayUntil { get; set; }

    public bool IsThere => _records.Time.GetUtcNow() >= AwayUntil;

    /// <summary>When the reconciler looks at it next.</summary>
    public DateTimeOffset Due { get; set; }

    /// <summary>True when somebody may have written the HelmChartProxy since the add-on provider last looked.</summary>
    public bool MayHaveChanged { get; set; }

    public DateTimeOffset NextUpgrade { get; set; }

    public int Minor { get; set; } = 30;

    /// <summary>The nodes by name, with the CA file that each was made with.</summary>
    public Dictionary<string, string> Nodes { get; } = [];

    /// <summary>Nodes that an upgrade or a repair is to replace, and when.</summary>
    public Dictionary<string, DateTimeOffset> Replacements { get; } = [];

    /// <summary>The serial numbers that its pods serve.</summary>
    public IEnumerable<string> ServedSerials => _served.Where(chain => chain is not null).Select(TrustCheck.SerialOf);

    /// <summary>The chains that its pods serve.</summary>
    public IEnumerable<string> Served => _served.Where(chain => chain is not null);

    /// <summary>The add-on provider's part: new values roll the pods, which read the Secret when they start.</summary>
    public async Task RollAsync(JsonObject? proxy, CancellationToken cancellationToken)
    {
        if (!IsThere || proxy is null)
            return;
        var serial = SerialInValues().Match((string)proxy["spec"]!["valuesTemplate"]!).Groups[1].Value;
        if (serial == _rolledSerial)
            return;
        for (var replica = 0; replica < Replicas; replica++)
            await RestartAsync(replica, cancellationToken);
        _rolledSerial = serial;
    }

    /// <summary>A pod starts for whatever reason.</summary>
    public async Task RestartAsync(int replica, CancellationToken cancellationToken)
    {
        if (await _workload.FindAsync(AdminClient.Secrets("registry-system"), "registry-tls", cancellationToken) is not { } secret)
            return;
        _served[replica] = Text(secret, "tls.crt");
        _goodUntil = DateTimeOffset.MinValue;
        _records.Keys.Served(Name, _served[replica]);
        Judge();
    }

    /// <summary>A pod of an installed registry starts again.</summary>
    public Task RestartOneAsync(int replica, CancellationToken cancellationToken) =>
        _rolledSerial is null ? Task.CompletedTask : RestartAsync(replica, cancellationToken);

    /// <summary>A node is made with what the cluster CA Secret holds now.</summary>
    public void AddNode(string name, string trust)
    {
        Nodes[name] = trust;
        _goodUntil = DateTimeOffset.MinValue;
        Judge();
    }

    public void RemoveNode(string name) => Nodes.Remove(name);

    /// <summary>Every node accepts every pod now.</summary>
    public void Judge()
    {
        var now = _records.Time.GetUtcNow();
        if (now < _goodUntil)
            return;
        _goodUntil = DateTimeOffset.MaxValue;
        foreach (var served in Served)
        {
            foreach (var trusted in Nodes.Values.Distinct())
            {
                if (!_judged.TryGetValue((served, trusted), out var until) || now >= until)
                    _judged[(served, trusted)] = until = TrustCheck.ValidUntil(served, trusted, now) ?? throw Refused(served, trusted, now);
                _goodUntil = until < _goodUntil ? until : _goodUntil;
            }
        }
    }

    public void Dispose() => _workload.Dispose();

    private InvalidOperationException Refused(string served, string trusted, DateTimeOffset now) => new(
        $"{now:yyyy-MM-dd}: a node of {Name} does not accept the certificate {TrustCheck.SerialOf(served)} that a pod serves. Pods show:\n"
            + $"{string.Join("--\n", Served)}\nThe node trusts:\n{trusted}");

    private static string Text(JsonObject secret, string key) =>
        Encoding.ASCII.GetString(Convert.FromBase64String((string)secret["data"]![key]!));

    [GeneratedRegex("certificateSerial: \"([0-9a-f]+)\"")]
    private static partial Regex SerialInValues();
}

/// <summary>What all clusters of a simulation write into.</summary>
internal sealed record ClusterRecords(FixedTime Time, KeyLedger Keys);

using System.Text.Json;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Settings;

/// <summary>
/// What a cluster user set under <c>addons.registry</c>. <see cref="SettingsShape"/> says what may stand there; everything that
/// knows the fields (this reader, the schema, docs/variable.md) is made from it.
/// </summary>
internal sealed record RegistrySettings
{
    /// <summary>Registry pods, 1 to 9; null means the admin's choice.</summary>
    public int? Replicas { get; init; }

    /// <summary>Ordinal of the replica that takes pushes, 0 to 8 and below the number of replicas; null means the admin's choice.</summary>
    public int? PrimaryReplica { get; init; }

    /// <summary>Size of each replica's volume, a quantity above 0; null means the admin's choice.</summary>
    public string? StorageSize { get; init; }

    /// <summary>Storage class of the volumes; null means the admin's choice.</summary>
    public string? StorageClassName { get; init; }

    /// <summary>Addresses of the pull Service, at most one per address family; empty means computed.</summary>
    public IReadOnlyList<string> PullAddresses { get; init; } = [];

    /// <summary>Addresses of the primary Service, at most one per address family; empty means computed.</summary>
    public IReadOnlyList<string> PrimaryAddresses { get; init; } = [];

    /// <summary>Key algorithm of the server certificate; null means the admin's choice.</summary>
    public string? Algorithm { get; init; }

    /// <summary>More DNS names and addresses for the server certificate.</summary>
    public IReadOnlyList<string> ExtraNames { get; init; } = [];

    /// <summary>Whether the server certificate has the addresses of control-plane nodes.</summary>
    public bool NamesNodes { get; init; }

    /// <summary>How nodes use the registry.</summary>
    public MirrorSettings Mirror { get; init; } = new();

    /// <summary>What each registry container may use; null values mean the admin's choice.</summary>
    public ResourceSettings Resources { get; init; } = new();

    /// <summary>
    /// Secret in <c>registry-system</c> on the workload cluster with the key <c>htpasswd</c>; null means no authentication.
    /// </summary>
    public string? AuthSecretName { get; init; }

    /// <summary>This product generates the login, and gives it to the registry and to nodes.</summary>
    public bool GeneratesLogin { get; init; }

    /// <summary>The object auth is there, and says nothing.</summary>
    public bool HasEmptyAuth { get; init; }

    /// <summary>The fields that are set and that version 1 of the nodes' files does not know, by their path below the settings.</summary>
    public IEnumerable<string> FieldsBeyondVersion1 =>
        Mirror.FieldsBeyondVersion1.Concat(GeneratesLogin ? ["auth.generate"] : Array.Empty<string>());

    /// <summary>
    /// Finds the settings in the topology variables: null when the add-on is not asked for. What can't be read is
    /// added to <paramref name="problems"/>.
    /// </summary>
    public static RegistrySettings? Find(Cluster cluster, VariableLocation location, ICollection<Problem> problems)
    {
        var variable = cluster.Spec?.Topology?.Variables?.FirstOrDefault(entry => entry?.Name == location.Name);
        return variable is null ? null : Find(variable.Value, location, problems);
    }

    /// <summary>The same in the value of the variable.</summary>
    public static RegistrySettings? Find(JsonElement value, VariableLocation location, ICollection<Problem> problems)
    {
        var field = location.Name;
        foreach (var step in location.Steps)
        {
            if (Setting.IsAbsent(value))
                return null;
            if (value.ValueKind != JsonValueKind.Object)
            {
                problems.Add(new Problem(field, $"The variable {field} must be an object, not {Setting.Describe(value)}."));
                return null;
            }

            field += "." + step;
            if (!value.TryGetProperty(step, out value))
                return null;
        }

        return Setting.IsAbsent(value) ? null : SettingsShape.Read(value, field, problems);
    }
}

/// <summary>How nodes use the registry.</summary>
internal sealed record MirrorSettings
{
    /// <summary>Which images nodes look for in the registry.</summary>
    public MirrorMode Mode { get; init; }

    /// <summary>The hosts of <see cref="MirrorMode.PerUpstream"/>.</summary>
    public IReadOnlyList<string> Upstreams { get; init; } = [];

    /// <summary>Images that are not in the registry are not pulled from elsewhere.</summary>
    public bool Strict { get; init; }

    /// <summary>How long containerd 2.1 and later try to connect, as a duration of Go.</summary>
    public string DialTimeout { get; init; } = SettingsShape.DefaultDialTimeout;

    /// <summary>What is done so that containerd reads the hosts files.</summary>
    public ContainerdConfig ContainerdConfig { get; init; }

    /// <summary>Caches of upstreams beside the registry that nodes use.</summary>
    public IReadOnlyList<CacheSetting> Caches { get; init; } = [];

    /// <summary>Further mirrors, in order.</summary>
    public IReadOnlyList<FallbackSetting> Fallbacks { get; init; } = [];

    /// <summary>The fields that are set and that version 1 of the nodes' files does not know, by their path below the settings.</summary>
    public IEnumerable<string> FieldsBeyondVersion1 =>
        [.. Caches.Count > 0 ? ["mirror.caches"] : Array.Empty<string>(),
            .. Fallbacks.Count > 0 ? ["mirror.fallbacks"] : Array.Empty<string>()];
}

/// <summary>A cache of one upstream at a port of the pull Service.</summary>
/// <param name="Host">The upstream's host, as it stands in image names.</param>
/// <param name="Port">The port, 1 to 65535.</param>
internal sealed record CacheSetting(string Host, int Port);

/// <summary>A mirror that others run.</summary>
/// <param name="Url">What containerd puts before the name of a repository.</param>
internal sealed record FallbackSetting(string Url)
{
    /// <summary>The hosts whose images it has; empty means all that nodes look for in the registry.</summary>
    public IReadOnlyList<string> Upstreams { get; init; } = [];

    /// <summary>Secret beside the Cluster whose key <c>ca.crt</c> verifies it; null means the node's own authorities.</summary>
    public string? CaSecretName { get; init; }

    /// <summary>Secret beside the Cluster whose key <c>mirrorLogin</c> holds user and password; null means no login.</summary>
    public string? LoginSecretName { get; init; }
}

/// <summary>Which images nodes look for in the registry.</summary>
internal enum MirrorMode
{
    /// <summary>All images, by their path alone.</summary>
    Default,

    /// <summary>Images of the listed hosts, each below a path of its own.</summary>
    PerUpstream,

    /// <summary>None; nothing is put on the nodes.</summary>
    Off,
}

/// <summary>What is done so that containerd reads the hosts files.</summary>
internal enum ContainerdConfig
{
    /// <summary>Whatever is needed, and nothing when containerd reads them already.</summary>
    Auto,

    /// <summary>At most a drop-in; the main configuration is left alone.</summary>
    DropIn,

    /// <summary>Nothing: the image is configured for it.</summary>
    None,
}

/// <summary>What a container asks for, and what it is held to.</summary>
internal sealed record ResourceSettings
{
    public ResourceAmounts Requests { get; init; } = new();

    public ResourceAmounts Limits { get; init; } = new();
}

/// <summary>Quantities of Kubernetes; null where nothing is set.</summary>
internal sealed record ResourceAmounts
{
    public string? Cpu { get; init; }

    public string? Memory { get; init; }
}

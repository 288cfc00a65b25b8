using System.Net.Sockets;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Settings;

namespace CapiRegistryHook.Registry.Nodes;

/// <summary>
/// What makes the nodes of one cluster trust its registry and pull through it. Everything here ends up in the specs that nodes
/// are made from: a byte that changes from one release to the next replaces every node of every cluster. So what a released
/// version wrote is never changed; a better one is written beside it (docs/decisions/0015).
/// </summary>
/// <param name="Files">The files, in order.</param>
/// <param name="Commands">Commands that run once the files are there and before kubeadm.</param>
public sealed record NodePlan(IReadOnlyList<NodeFile> Files, IReadOnlyList<string> Commands)
{
    private const string OurDirectory = "/etc/containerd/registry-addon";
    private const string CaPath = OurDirectory + "/ca.crt";
    private const string ScriptPath = OurDirectory + "/config-path.sh";
    private const string HostsDirectory = "/etc/containerd/certs.d";
    private const string AnyHost = "_default";

    /// <summary>Nothing: the mode is off.</summary>
    public static NodePlan Empty { get; } = new([], []);

    /// <summary>Decides what nodes get by one version.</summary>
    internal static NodePlan Create(NodeFormat format, RegistryBasis basis, MirrorSettings mirror) => format switch
    {
        NodeFormat.V1 => Create(basis, mirror),
        NodeFormat.V2 => NodePlanV2.Create(basis, mirror, NodeScripts.ConfigPathV1),
        NodeFormat.V3 => NodePlanV2.Create(basis, mirror, NodeScripts.ConfigPathV3),
        _ => throw new ArgumentOutOfRangeException(nameof(format)),
    };

    /// <summary>Version 1. Settings for some nodes may differ from the Cluster's in how the registry is used.</summary>
    private static NodePlan Create(RegistryBasis basis, MirrorSettings mirror)
    {
        if (mirror.Mode == MirrorMode.Off)
            return Empty;

        // The first family is the one that every node of a dual-stack cluster has; a second address of the same Service would
        // only be one more to wait for while the registry is down.
        var endpoint = new MirrorEndpoint(basis.Addresses.Pull[0], basis.Addresses.Primary[0], CaPath, mirror);
        var files = Hosts(endpoint, mirror).DistinctBy(file => file.Path)
            .Append(new NodeFile(CaPath, "0644") { Source = new NodeFileSource(RegistryBasis.TrustSecret(basis.Cluster).Name, "ca.crt") });
        return mirror.ContainerdConfig == ContainerdConfig.None
            ? new NodePlan([.. files], [])
            : new NodePlan(
                [.. files, new NodeFile(ScriptPath, "0700") { Content = NodeScripts.ConfigPathV1, IsScript = true }],
                [$"/bin/sh {ScriptPath} {(mirror.ContainerdConfig == ContainerdConfig.DropIn ? "dropIn" : "auto")} || true"]);
    }

    private static IEnumerable<NodeFile> Hosts(MirrorEndpoint endpoint, MirrorSettings mirror)
    {
        if (mirror.Mode == MirrorMode.Default)
            return [HostsFile(AnyHost, HostsText.OfMirror(endpoint, prefix: ""))];

        // Without _default, images that are named by the registry's own address would meet a certificate that nobody trusts.
        // IPv6 addresses can't be the host of an image name.
        var own = new[] { endpoint.Pull, endpoint.Primary }.Where(address => address.AddressFamily == AddressFamily.InterNetwork);
        return mirror.Upstreams
            .Select(host => HostsFile(
                UpstreamHost.Directory(host), HostsText.OfMirror(endpoint, "/" + UpstreamHost.RepositoryPrefix(host))))
            .Concat(own.Select(address => HostsFile(address.ToString(), HostsText.OfRegistry(address, endpoint))));
    }

    private static NodeFile HostsFile(string directory, string text) =>
        new($"{HostsDirectory}/{directory}/hosts.toml", "0644") { Content = text };
}

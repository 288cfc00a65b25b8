using System.Net;
using System.Net.Sockets;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Settings;

namespace CapiRegistryHook.Registry.Nodes;

/// <summary>
/// Which mirrors a node asks for the images of which host, in which order: the cluster's registry, the cache of that host, and mirrors of
/// others. A cache answers for one host only: asked for another host's image, it would look for it at its own upstream, where anybody may
/// have put something of that name.
/// </summary>
internal sealed class MirrorOrder(RegistryBasis basis, MirrorSettings mirror)
{
    /// <summary>The folder for all hosts that have none of their own.</summary>
    public const string AnyHost = "_default";

    /// <summary>Where login and CA files lie on nodes.</summary>
    public const string Directory = "/etc/containerd/registry-addon";

    public const string OwnCaPath = Directory + "/ca.crt";

    /// <summary>The name of the file with the registry's own login.</summary>
    public const string OwnLogin = "login";

    private string? Login => basis.Settings.GeneratesLogin ? OwnLogin : null;

    /// <summary>The mirrors by folder below <c>certs.d</c>.</summary>
    public IEnumerable<(string Folder, IReadOnlyList<NodeMirror> Mirrors)> All()
    {
        if (mirror.Mode == MirrorMode.Default)
            yield return (AnyHost, [.. Own(""), .. Fallbacks(null)]);
        foreach (var host in Hosts())
            yield return (UpstreamHost.Directory(host), [.. Of(host)]);
        if (mirror.Mode == MirrorMode.PerUpstream)
        {
            foreach (var address in OwnAddresses())
                yield return (address.ToString(), [Own(address, "")]);
        }
    }

    /// <summary>The CA file of a mirror of others; null when it needs none.</summary>
    public static string? CaPathOf(FallbackSetting fallback, int index) =>
        fallback.CaSecretName is null ? null : $"{Directory}/fallback-{index}.crt";

    /// <summary>The name of the login's file of a mirror of others; null when it needs none.</summary>
    public static string? LoginOf(FallbackSetting fallback, int index) => fallback.LoginSecretName is null ? null : $"login-{index}";

    private IEnumerable<string> Hosts() => mirror.Upstreams
        .Concat(mirror.Caches.Select(cache => cache.Host))
        .Concat(mirror.Fallbacks.SelectMany(fallback => fallback.Upstreams)).Distinct();

    private IEnumerable<NodeMirror> Of(string host)
    {
        var own = mirror.Mode == MirrorMode.Default ? Own("")
            : mirror.Upstreams.Contains(host) ? Own("/" + UpstreamHost.RepositoryPrefix(host)) : [];
        var caches = mirror.Caches.Where(cache => cache.Host == host)
            .Select(cache => Own(basis.Addresses.Pull[0], "", cache.Port));
        return own.Concat(caches).Concat(Fallbacks(host));
    }

    /// <summary>The first family is the one that every node of a dual-stack cluster has.</summary>
    private IEnumerable<NodeMirror> Own(string prefix) =>
        [Own(basis.Addresses.Pull[0], prefix), Own(basis.Addresses.Primary[0], prefix)];

    /// <summary>The registry and its caches ask for the same login.</summary>
    private NodeMirror Own(IPAddress address, string prefix, int port = RegistryNames.Port) =>
        new(Url(address, port, prefix), OwnCaPath, Login) { IsOwn = true };

    /// <summary>For all hosts when <paramref name="host"/> is null.</summary>
    private IEnumerable<NodeMirror> Fallbacks(string? host) => mirror.Fallbacks.Index()
        .Where(entry => entry.Item.Upstreams.Count == 0
            ? mirror.Mode == MirrorMode.Default || mirror.Upstreams.Contains(host) : entry.Item.Upstreams.Contains(host))
        .Select(entry => new NodeMirror(
            entry.Item.Url + (entry.Item.Upstreams.Count == 0 && mirror.Mode == MirrorMode.PerUpstream
                ? "/" + UpstreamHost.RepositoryPrefix(host!) : ""),
            CaPathOf(entry.Item, entry.Index), LoginOf(entry.Item, entry.Index)));

    /// <summary>
    /// Images that are named by the registry's own address; IPv6 addresses can't be the host of an image name. With <c>_default</c> they
    /// need no folder.
    /// </summary>
    private IEnumerable<IPAddress> OwnAddresses() => new[] { basis.Addresses.Pull[0], basis.Addresses.Primary[0] }
        .Where(address => address.AddressFamily == AddressFamily.InterNetwork);

    private static string Url(IPAddress address, int port, string prefix)
    {
        var host = address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{address}]" : address.ToString();
        return $"https://{host}{(port == RegistryNames.Port ? "" : $":{port}")}/v2{prefix}";
    }
}

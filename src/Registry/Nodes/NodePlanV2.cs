using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Settings;

namespace CapiRegistryHook.Registry.Nodes;

/// <summary>
/// Versions 2 and 3 of what nodes get: version 1 with logins, caches of upstreams and further mirrors. The templates name the Secrets of
/// logins and authorities and hold none of their content, so a new password replaces no node. The two differ in one script.
/// </summary>
internal static class NodePlanV2
{
    private const string HostsDirectory = "/etc/containerd/certs.d";
    private const string ConfigPathFile = MirrorOrder.Directory + "/config-path.sh";
    private const string LoginScriptFile = MirrorOrder.Directory + "/mirror-login.sh";
    private const string Public = "0644";
    private const string Secret = "0600";
    private const string Program = "0700";

    /// <summary>Decides what nodes get. Settings for some of them may differ from the Cluster's in how the registry is used.</summary>
    /// <param name="basis">What is known of the Cluster.</param>
    /// <param name="mirror">The settings of these nodes.</param>
    /// <param name="configPath">The script that makes containerd read the hosts files.</param>
    public static NodePlan Create(RegistryBasis basis, MirrorSettings mirror, string configPath)
    {
        if (mirror.Mode == MirrorMode.Off)
            return NodePlan.Empty;
        var hosts = Hosts(basis, mirror).ToList();
        var logins = Logins(basis, mirror).ToList();
        var files = hosts.Concat(Authorities(basis, mirror)).Concat(logins).ToList();
        var commands = new List<string>();
        if (logins.Count > 0)
        {
            files.Add(new NodeFile(LoginScriptFile, Program) { Content = NodeScripts.MirrorLogin, IsScript = true });
            commands.Add($"/bin/sh {LoginScriptFile} || true");
        }

        if (mirror.ContainerdConfig != ContainerdConfig.None)
        {
            files.Add(new NodeFile(ConfigPathFile, Program) { Content = configPath, IsScript = true });
            commands.Add($"/bin/sh {ConfigPathFile} {(mirror.ContainerdConfig == ContainerdConfig.DropIn ? "dropIn" : "auto")} || true");
        }

        return new NodePlan(files, commands);
    }

    private static IEnumerable<NodeFile> Hosts(RegistryBasis basis, MirrorSettings mirror) =>
        from folder in new MirrorOrder(basis, mirror).All().DistinctBy(folder => folder.Folder)
        select new NodeFile(
            $"{HostsDirectory}/{folder.Folder}/hosts.toml", folder.Mirrors.Any(host => host.Login is not null) ? Secret : Public)
        {
            Content = NodeMirror.Text(folder.Mirrors, mirror.DialTimeout, mirror.Strict),
        };

    private static IEnumerable<NodeFile> Authorities(RegistryBasis basis, MirrorSettings mirror) => mirror.Fallbacks.Index()
        .Where(entry => entry.Item.CaSecretName is not null)
        .Select(entry => FromSecret(
            MirrorOrder.CaPathOf(entry.Item, entry.Index)!, Public, entry.Item.CaSecretName!, RegistryBasis.AuthorityKey))
        .Prepend(FromSecret(MirrorOrder.OwnCaPath, Public, RegistryBasis.TrustSecret(basis.Cluster).Name, RegistryBasis.AuthorityKey));

    private static IEnumerable<NodeFile> Logins(RegistryBasis basis, MirrorSettings mirror)
    {
        if (basis.Settings.GeneratesLogin)
            yield return Login(MirrorOrder.OwnLogin, RegistryBasis.LoginSecret(basis.Cluster).Name);
        foreach (var (index, fallback) in mirror.Fallbacks.Index())
        {
            if (fallback.LoginSecretName is { } secret)
                yield return Login(MirrorOrder.LoginOf(fallback, index)!, secret);
        }
    }

    private static NodeFile Login(string name, string secret) =>
        FromSecret($"{MirrorOrder.Directory}/{name}", Secret, secret, RegistryBasis.MirrorLoginKey);

    private static NodeFile FromSecret(string path, string permissions, string secret, string key) =>
        new(path, permissions) { Source = new NodeFileSource(secret, key) };
}

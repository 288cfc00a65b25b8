using System.Text.Json.Nodes;
using CapiRegistryHook.Registry.Chart;
using CapiRegistryHook.Registry.Settings;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Plan;

/// <summary>
/// What has to hold between how nodes use the registry and what the registry is, which the admin's values decide with the variable: that
/// nodes can log in, and that no cache of one upstream is asked for images of another. A cache asks its own upstream for every path, so
/// that <c>ghcr.io/foo/bar</c> would come from whoever has <c>docker.io/foo/bar</c>.
/// </summary>
internal static class MirrorRules
{
    /// <summary>Adds a sentence for each combination that can't work or is not safe.</summary>
    /// <param name="settings">The cluster's variable.</param>
    /// <param name="values">The chart's values, of the admin and of the variable together.</param>
    /// <param name="field">The settings as sentences name them.</param>
    /// <param name="problems">Takes the sentences.</param>
    public static void Check(RegistrySettings settings, JsonObject values, string field, ICollection<Problem> problems)
    {
        CheckLogin(settings, values, field, problems);
        if (settings.Mirror.Mode == MirrorMode.Off)
            return;
        CheckCaches(settings.Mirror, values, $"{field}.mirror", problems);
        if (IsCache(values))
            CheckWholeCache(settings.Mirror, values, $"{field}.mirror", problems);
    }

    /// <summary>What is not wrong, and not used either.</summary>
    public static IEnumerable<string> Warnings(RegistrySettings settings, JsonObject values, string field)
    {
        if (AsksForLogin(settings, values) && !settings.GeneratesLogin && settings.Mirror.Mode != MirrorMode.Off)
            yield return "The registry asks for a login that nodes do not have, so that they pull from upstream; "
                + $"set {field}.auth.generate.";
        foreach (var cache in CachesOf(values).Where(cache => !settings.Mirror.Caches.Contains(cache)))
            yield return $"No node uses the cache of {FieldText.Sentence(cache.Host)} at port {cache.Port}; "
                + $"add it to {field}.mirror.caches.";
    }

    /// <summary>Whether the registry answers nobody without a login.</summary>
    public static bool AsksForLogin(RegistrySettings settings, JsonObject values) =>
        settings.GeneratesLogin || AccountsSecret(values).Length > 0;

    /// <summary>The Secret on the workload cluster with accounts that an admin made; empty when there is none.</summary>
    private static string AccountsSecret(JsonObject values) => Text(values, "auth.htpasswd.secretName");

    private static void CheckLogin(RegistrySettings settings, JsonObject values, string field, ICollection<Problem> problems)
    {
        var hasOwn = AccountsSecret(values).Length > 0;
        if (settings.GeneratesLogin && hasOwn)
            Add($"{field}.auth.generate",
                "is true while the admin's values for the registry chart set auth.htpasswd.secretName; leave one of them out", problems);
        else if (settings.Mirror is { Strict: true, Mode: not MirrorMode.Off } && hasOwn)
            Add($"{field}.mirror.strict",
                "is true while the admin's values for the registry chart set auth.htpasswd.secretName, a login that nodes do not have, so "
                    + $"that they could not pull anything; set {field}.auth.generate instead of that value, or leave strict out", problems);
    }

    private static void CheckCaches(MirrorSettings mirror, JsonObject values, string field, ICollection<Problem> problems)
    {
        var known = CachesOf(values).ToList();
        for (var index = 0; index < mirror.Caches.Count; index++)
        {
            var cache = mirror.Caches[index];
            if (!known.Contains(cache))
                Add($"{field}.caches[{index}]",
                    $"names a cache of {cache.Host} at port {cache.Port}, which the values for the registry chart do not have; list it in "
                        + "pullThrough.upstreams there or leave it out", problems);
        }
    }

    private static void CheckWholeCache(MirrorSettings mirror, JsonObject values, string field, ICollection<Problem> problems)
    {
        if (mirror is { Mode: MirrorMode.PerUpstream, Upstreams.Count: 0 })
            return;
        Add($"{field}.mode",
            "makes nodes look for images of several hosts in the registry, which pullThrough.enabled of the values for the registry chart "
                + $"makes a cache of {FieldText.Quote(Text(values, "pullThrough.upstream"))} alone; use pullThrough.upstreams there, or "
                + $"perUpstream without {field}.upstreams and with that one host in {field}.caches at port {RegistryNames.Port}, or off",
            problems);
    }

    private static bool IsCache(JsonObject values) =>
        HelmValues.Find(values, "pullThrough.enabled") is JsonValue value && value.TryGetValue<bool>(out var isOn) && isOn;

    /// <summary>
    /// The caches that a registry has. One that is a cache as a whole answers at the Service's own port, for its own host.
    /// </summary>
    private static IEnumerable<CacheSetting> CachesOf(JsonObject values)
    {
        if (IsCache(values))
            return WholeCacheHost(values) is { } host ? [new CacheSetting(host, RegistryNames.Port)] : [];
        return (HelmValues.Find(values, "pullThrough.upstreams") as JsonArray ?? []).OfType<JsonObject>()
            .Select(upstream => new CacheSetting(
                Text(upstream, "host"),
                upstream["port"] is JsonValue port && int.TryParse(port.ToJsonString(), out var number) ? number : 0));
    }

    /// <summary>Images of Docker Hub are named by <c>docker.io</c>, and come from <c>registry-1.docker.io</c>.</summary>
    private static string? WholeCacheHost(JsonObject values) =>
        !Uri.TryCreate(Text(values, "pullThrough.upstream"), UriKind.Absolute, out var upstream) ? null
        : upstream.Host.EndsWith(".docker.io", StringComparison.Ordinal) ? "docker.io" : upstream.Authority;

    private static string Text(JsonObject values, string path) =>
        HelmValues.Find(values, path) is JsonValue value && value.TryGetValue<string>(out var text) ? text : "";

    private static void Add(string field, string rest, ICollection<Problem> problems) =>
        problems.Add(new Problem(field, $"The variable {field} {rest}."));
}

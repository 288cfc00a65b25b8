using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Settings;

/// <summary>What has to hold between fields, where each by itself is fine.</summary>
internal static class SettingsRules
{
    public static void Check(RegistrySettings settings, string path, ICollection<Problem> problems)
    {
        CheckUpstreams(settings.Mirror, $"{path}.mirror", problems);
        CheckFurtherMirrors(settings.Mirror, $"{path}.mirror", problems);
        if (settings.Mirror is { Strict: true, Mode: MirrorMode.Off })
            Add($"{path}.mirror.strict",
                $"is true while {path}.mirror.mode is off, so that there is nothing to be strict about; leave one of them out", problems);
        if (settings.Mirror is { Strict: true, Mode: not MirrorMode.Off } && settings.AuthSecretName is not null)
            Add($"{path}.mirror.strict",
                $"is true while {path}.auth asks for a password, which nodes do not have, so that they could not pull anything; "
                    + "leave one of them out, or set auth.generate instead", problems);
        CheckAuth(settings, $"{path}.auth", problems);
        CheckResource("cpu", settings.Resources.Requests.Cpu, settings.Resources.Limits.Cpu, path, problems);
        CheckResource("memory", settings.Resources.Requests.Memory, settings.Resources.Limits.Memory, path, problems);
    }

    private static void CheckUpstreams(MirrorSettings mirror, string path, ICollection<Problem> problems)
    {
        var field = $"{path}.upstreams";
        if (mirror is { Mode: MirrorMode.PerUpstream, Upstreams.Count: 0, Caches.Count: 0 }
            && mirror.Fallbacks.All(fallback => fallback.Upstreams.Count == 0))
            Add(field, $"is empty while {path}.mode is perUpstream; list the hosts, like docker.io", problems);
        if (mirror.Mode != MirrorMode.PerUpstream && mirror.Upstreams.Count > 0)
            Add(field, $"lists hosts while {path}.mode is not perUpstream; set that mode or leave the list out", problems);
        if (mirror.Upstreams.Distinct().Count() < mirror.Upstreams.Count)
            Add(field, "lists a host twice; list each once", problems);
    }

    private static void CheckFurtherMirrors(MirrorSettings mirror, string path, ICollection<Problem> problems)
    {
        if (mirror.Mode == MirrorMode.Off)
        {
            foreach (var field in mirror.FieldsBeyondVersion1.Select(field => $"{path}.{field["mirror.".Length..]}"))
                Add(field, $"is set while {path}.mode is off, so that nothing is put on nodes; leave one of them out", problems);
        }

        if (mirror.Caches.DistinctBy(cache => cache.Host).Count() < mirror.Caches.Count)
            Add($"{path}.caches", "lists a host twice; list each once", problems);
        for (var index = 0; index < mirror.Fallbacks.Count; index++)
        {
            var upstreams = mirror.Fallbacks[index].Upstreams;
            if (upstreams.Distinct().Count() < upstreams.Count)
                Add($"{path}.fallbacks[{index}].upstreams", "lists a host twice; list each once", problems);
        }
    }

    private static void CheckAuth(RegistrySettings settings, string path, ICollection<Problem> problems)
    {
        if (settings is { GeneratesLogin: true, AuthSecretName: not null })
            Add($"{path}.generate", $"is true while {path}.secretRef names a Secret; leave one of them out", problems);
        if (settings.HasEmptyAuth)
            Add(path, "says neither generate: true nor which Secret (secretRef); set one of them or leave it out", problems);
    }

    private static void CheckResource(string name, string? request, string? limit, string path, ICollection<Problem> problems)
    {
        if (request is not null && limit is not null
            && Quantity.TryParse(request, out var least) && Quantity.TryParse(limit, out var most) && least.Value > most.Value)
            Add($"{path}.resources.requests.{name}",
                $"is {FieldText.Quote(request)}, which is more than its limit {FieldText.Quote(limit)}; ask for at most the limit",
                problems);
    }

    private static void Add(string field, string rest, ICollection<Problem> problems) =>
        problems.Add(new Problem(field, $"The variable {field} {rest}."));
}

using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Delivery.Declared;
using CapiRegistryHook.Delivery.Sources;
using CapiRegistryHook.Delivery.Targets;
using CapiRegistryHook.Registry.Clients;
using CapiRegistryHook.Registry.Contents;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Delivery.Syncing;

/// <summary>
/// The contents of one registry that it fetches by itself, while the syncer works on it once: tells it what to fetch, and counts what has
/// arrived. Entries are named by digest, so what arrives is what was resolved, whatever the source says of its tags by then.
/// </summary>
/// <param name="target">The registry.</param>
/// <param name="time">The clock.</param>
internal sealed class RegistryPull(RegistryTarget target, TimeProvider time)
{
    /// <summary>A registry that has not finished another entry for so long is reported; it goes on all the same.</summary>
    public static readonly TimeSpan StalledAfter = TimeSpan.FromMinutes(15);

    /// <summary>The registry as its own pod knows it.</summary>
    private static readonly string Itself = $"127.0.0.1:{ClusterRegistry.PodPort}";

    /// <summary>Questions to the registry at once.</summary>
    private const int Workers = 4;

    private readonly HashSet<ContentKey> _fetching = [];
    private RegistrySources? _sources;

    /// <summary>Sees to it that a content is fetched.</summary>
    /// <returns>How far that is; null when every entry is there, so that only what goes with them may be missing.</returns>
    public async Task<ClusterResult?> FetchAsync(WantedContent wanted, CancellationToken cancellationToken)
    {
        var content = wanted.Content;
        try
        {
            if (!target.Pulls)
                throw new DeliveryException(
                    "The registry fetches nothing by itself; set sync.pull in the values of its chart, or spec.delivery to Push.");
            var places = ContentPlaces.Map(content.Named, target.Rule);
            var arrived = await CountAsync(content, places, cancellationToken);
            if (arrived == content.Entries.Count)
                return null;
            _fetching.Add(content.Key);
            _sources ??= await RegistrySources.ReadAsync(target.Workload!, cancellationToken);
            await _sources.SetAsync(content.Key, FilesOf(content, places), cancellationToken);
            return Report(content, wanted.Former, arrived, target.Primary.Name, time.GetUtcNow());
        }
        catch (Exception exception) when (Fault.Is(exception) && !cancellationToken.IsCancellationRequested)
        {
            return new ClusterResult(content.Digest, IsComplete: false, Fault.Describe(exception));
        }
    }

    /// <summary>Ends the fetching of everything that was not asked for; true while something is left.</summary>
    /// <param name="untouched">Contents that were not worked on, whose files stay as they are.</param>
    /// <param name="wasFetching">Whether the registry is known to have been told to fetch something.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    public async Task<bool> TidyAsync(
        IReadOnlyList<ContentKey> untouched, bool wasFetching, CancellationToken cancellationToken)
    {
        if (target.Workload is null || (_sources is null && !target.Pulls && !wasFetching))
            return false;
        _sources ??= await RegistrySources.ReadAsync(target.Workload, cancellationToken);
        await _sources.RetainAsync(_fetching.Concat(untouched), cancellationToken);
        return !_sources.IsEmpty;
    }

    /// <summary>What a registry reads of a content: a part of regsync's configuration, and the files that it names.</summary>
    /// <exception cref="DeliveryException">The login of the source is a token, which regsync can't renew.</exception>
    internal static Dictionary<string, byte[]> FilesOf(ResolvedContent content, IReadOnlyList<RegistryPlace> places)
    {
        var source = content.Registry!;
        var files = new Dictionary<string, byte[]>();
        var login = new JsonObject { ["registry"] = source.Host, ["tls"] = "enabled" };
        if (source.CaPem is { } authority)
            login["regcert"] = Add(RegistrySources.AuthorityFile, authority);
        if (source.Login is { IdentityToken: not null })
            throw new DeliveryException(
                $"The login of {source.Host} is an identity token, which registries can't use; give them a user and a password.");
        if (source.Login is { } given)
            (login["user"], login["pass"]) =
                (Add(RegistrySources.UserFile, given.Username), Add(RegistrySources.PasswordFile, given.Password));
        var entries = content.Entries.Zip(places, (entry, place) => (JsonNode)new JsonObject
        {
            ["source"] = $"{source.Host}/{source.RepositoryOf(entry.Name!)}@{entry.Root.Digest}",
            ["target"] = $"{Itself}/{place.Repository}{(place.Tag is { } tag ? $":{tag}" : $"@{entry.Root.Digest}")}",
            ["type"] = "image",
        });
        Add(RegistrySources.PartFile, YamlText.Write(new JsonArray(login)) + YamlText.Write(
            new JsonObject { ["sync"] = new JsonArray([.. entries]) }));
        return files;

        string Add(string name, string text)
        {
            files[name] = Encoding.UTF8.GetBytes(text);
            return $"{{{{file \"{RegistrySources.PathOf(content.Key, name)}\"}}}}";
        }
    }

    private async Task<int> CountAsync(
        ResolvedContent content, IReadOnlyList<RegistryPlace> places, CancellationToken cancellationToken)
    {
        var arrived = 0;
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = Workers, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(content.Entries.Zip(places), parallel, async (entry, token) =>
        {
            var digest = entry.First.Root.Digest;
            var held = await target.Client.ResolveAsync(entry.Second.Repository, entry.Second.Tag ?? digest.ToString(), token);
            if (held?.Digest == digest)
                Interlocked.Increment(ref arrived);
        });
        return arrived;
    }

    /// <summary>What is known of a content that is being fetched.</summary>
    internal static ClusterResult Report(
        ResolvedContent content, ClusterResult? former, int arrived, string pod, DateTimeOffset now)
    {
        var since = former?.Digest == content.Digest && former.Arrived == arrived ? former.ArrivedAt : now;
        var reason = now - since < StalledAfter ? null
            : $"The registry has not fetched anything from {content.Registry!.Host} for {StalledAfter.TotalMinutes:0} minutes: "
                + $"{arrived} of {content.Entries.Count} {(arrived == 1 ? "is" : "are")} there; "
                + $"the log of regsync in the pod {pod} says why.";
        return new ClusterResult(content.Digest, IsComplete: false, reason) { Arrived = arrived, ArrivedAt = since };
    }
}

using System.Text.Json.Nodes;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Contents;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Registry.Clients;

/// <summary>
/// What a registry fetches by itself: a Secret on its workload cluster, which its pods read again and again, with the files of each
/// RegistryContent. It is there only while something is fetched. Calls fail with a <see cref="KubernetesApiException"/>.
/// </summary>
public sealed class RegistrySources
{
    /// <summary>The most bytes of all files: answers of workload clusters are read up to 1 MiB, and a Secret is base64 there.</summary>
    public const int LargestSize = 700_000;

    /// <summary>The file with the registry, its login and what is fetched from it, as a part of regsync's configuration.</summary>
    public const string PartFile = "yml";

    /// <summary>The file with the user of the source.</summary>
    public const string UserFile = "username";

    /// <summary>The file with the password of the source.</summary>
    public const string PasswordFile = "password";

    /// <summary>The file with what verifies the source, as PEM.</summary>
    public const string AuthorityFile = "ca.crt";

    private static readonly string[] Files = [PartFile, UserFile, PasswordFile, AuthorityFile];

    private readonly KubernetesClient _workload;
    private readonly bool _isForeign;
    private readonly Dictionary<string, byte[]> _data;
    private bool _isThere;

    private RegistrySources(KubernetesClient workload, Secret? live)
    {
        _workload = workload;
        _isThere = live is not null;
        _isForeign = live is not null && !ObjectLabels.IsManaged(live.Metadata);
        _data = new Dictionary<string, byte[]>(live?.Data ?? new Dictionary<string, byte[]>());
    }

    /// <summary>The Secret on the workload cluster.</summary>
    public static NamespacedName Secret { get; } = RegistryPlan.SourcesSecret;

    /// <summary>Whether the registry is told to fetch anything.</summary>
    public bool IsEmpty => _isForeign || _data.Count == 0;

    /// <summary>Reads what a registry fetches now.</summary>
    public static async Task<RegistrySources> ReadAsync(KubernetesClient workload, CancellationToken cancellationToken) =>
        new(workload, await workload.FindAsync(CoreResources.Secrets, Secret, cancellationToken));

    /// <summary>The path under which the pods read a file of a content.</summary>
    public static string PathOf(ContentKey content, string file) => $"/etc/regsync/declared/{KeyOf(content, file)}";

    /// <summary>Sets the files of a content; nothing is written when they are as they are.</summary>
    /// <param name="content">The content.</param>
    /// <param name="files">Its files by name; others of it are removed.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    /// <exception cref="ClusterRegistryException">The Secret is not of this service, or it would be too large.</exception>
    public async Task SetAsync(ContentKey content, IReadOnlyDictionary<string, byte[]> files, CancellationToken cancellationToken)
    {
        if (_isForeign)
            throw new ClusterRegistryException($"The Secret {Secret} on the workload cluster is not ours; delete or rename it.");
        var changed = Files.Where(file => !IsSame(_data.GetValueOrDefault(KeyOf(content, file)), files.GetValueOrDefault(file)))
            .ToDictionary(file => KeyOf(content, file), file => files.GetValueOrDefault(file));
        if (_data.Where(entry => !changed.ContainsKey(entry.Key)).Sum(entry => entry.Value.Length)
            + changed.Values.Sum(value => value?.Length ?? 0) > LargestSize)
            throw new ClusterRegistryException($"There is more to fetch than the Secret {Secret} holds; deliver some contents with Push.");
        await WriteAsync(changed, cancellationToken);
    }

    /// <summary>Removes the files of all other contents, and the Secret when none are left.</summary>
    public async Task RetainAsync(IEnumerable<ContentKey> contents, CancellationToken cancellationToken)
    {
        var kept = contents.SelectMany(content => Files.Select(file => KeyOf(content, file))).ToHashSet();
        var gone = _isForeign ? [] : _data.Keys.Where(key => !kept.Contains(key)).ToList();
        if (gone.Count < _data.Count)
            await WriteAsync(gone.ToDictionary(key => key, _ => (byte[]?)null), cancellationToken);
        else if (_isThere && !_isForeign)
            await DeleteAsync(cancellationToken);
    }

    private async Task WriteAsync(Dictionary<string, byte[]?> changed, CancellationToken cancellationToken)
    {
        if (changed.Count == 0)
            return;
        foreach (var (key, value) in changed)
        {
            if (value is null)
                _data.Remove(key);
            else
                _data[key] = value;
        }

        if (_isThere)
        {
            var data = new JsonObject(changed.Select(entry => KeyValuePair.Create<string, JsonNode?>(
                entry.Key, entry.Value is { } value ? Convert.ToBase64String(value) : null)));
            await _workload.MergePatchAsync(
                CoreResources.Secrets, Secret, new JsonObject { ["data"] = data }, ContentFleet.FieldManager, cancellationToken);
        }
        else
        {
            await _workload.CreateAsync(CoreResources.Secrets, new Secret
            {
                Metadata = new ObjectMeta { Namespace = Secret.Namespace, Name = Secret.Name, Labels = ObjectLabels.Workload },
                Type = SecretKeys.OpaqueType,
                Data = _data,
            }, ContentFleet.FieldManager, cancellationToken);
        }

        _isThere = true;
    }

    private async Task DeleteAsync(CancellationToken cancellationToken)
    {
        await _workload.DeleteIfExistsAsync(CoreResources.Secrets, Secret, new DeleteOptions(), cancellationToken);
        _data.Clear();
        _isThere = false;
    }

    // A namespace has no dots, and no name of a file ends like another.
    private static string KeyOf(ContentKey content, string file) => $"{content.Namespace}.{content.Name}.{file}";

    private static bool IsSame(byte[]? one, byte[]? other) =>
        one is null || other is null ? one is null && other is null : one.AsSpan().SequenceEqual(other);
}

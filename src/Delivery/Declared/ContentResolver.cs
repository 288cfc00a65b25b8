using System.Collections.Concurrent;
using System.Text;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Content.Sources;
using CapiRegistryHook.Delivery.Sources;
using CapiRegistryHook.Delivery.Targets;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Clients;
using CapiRegistryHook.Registry.Contents;

namespace CapiRegistryHook.Delivery.Declared;

/// <summary>
/// Resolves what RegistryContents declare. Secrets and ConfigMaps are those of the content's own namespace, and a login is sent to the
/// content's own source only.
/// </summary>
/// <param name="fleet">Where Secrets and ConfigMaps are.</param>
/// <param name="bundles">The folder with a folder of bundles for each namespace; null for none.</param>
/// <param name="addresses">Where sources may lie.</param>
/// <param name="time">The clock.</param>
internal sealed class ContentResolver(ContentFleet fleet, string? bundles, AddressPolicy addresses, TimeProvider time)
{
    private const string BasicAuthentication = "kubernetes.io/basic-auth";

    /// <summary>References of one source that are resolved at once.</summary>
    private const int Workers = 4;

    /// <summary>Manifests of all contents that are kept in memory: those of some thousand images.</summary>
    private readonly ManifestAllowance _kept = new(64 << 20);

    /// <summary>Resolves a content.</summary>
    /// <param name="content">The content, checked by <see cref="ContentRules"/>.</param>
    /// <param name="former">What it was before, which is kept while its source is the same and nothing changed; null for nothing.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    /// <returns>What it is, held for the caller; <paramref name="former"/> itself when nothing changed.</returns>
    /// <exception cref="ContentException">The source or the lock can't be used.</exception>
    /// <exception cref="DeliveryException">A Secret, a ConfigMap or a bundle is missing.</exception>
    public Task<ResolvedContent> ResolveAsync(RegistryContent content, ResolvedContent? former, CancellationToken cancellationToken) =>
        content.Spec!.Source!.Registry is { } registry ? FromRegistryAsync(content, registry, former, cancellationToken)
            : FromBundleAsync(content, content.Spec.Source.Bundle!.Path!, former, cancellationToken);

    private async Task<ResolvedContent> FromRegistryAsync(
        RegistryContent content, RegistrySourceSpec spec, ResolvedContent? former, CancellationToken cancellationToken)
    {
        var access = (Spec: spec, Ca: await ReadCaAsync(content.Key, spec, cancellationToken),
            Login: await ReadLoginAsync(content.Key, spec, cancellationToken));
        var source = new SourceRegistry(spec, access.Ca, access.Login, addresses, time) { Kept = _kept };
        try
        {
            var names = content.Spec!.Lock!.Artifact is { } artifact
                ? LockText.Parse(await source.ReadLockAsync(artifact, cancellationToken), "The lock")
                : await ReadLockAsync(content, cancellationToken);
            var entries = await ResolveAsync(source, names!, cancellationToken);
            return await FinishAsync(content.Key, entries, former, (source, access), cancellationToken);
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    private async Task<ResolvedContent> FromBundleAsync(
        RegistryContent content, string path, ResolvedContent? former, CancellationToken cancellationToken)
    {
        if (bundles is null)
            throw new DeliveryException("Bundles are not available here; an admin gives the syncer a volume with --sync-bundles.");
        var file = Path.Combine(bundles, content.Key.Namespace, path);
        if (!File.Exists(file) && !Directory.Exists(file))
            throw new DeliveryException($"There is no bundle {path} in the folder {content.Key.Namespace} of the volume of bundles.");
        if (HasLink(Path.Combine(bundles, content.Key.Namespace), path))
            throw new DeliveryException(
                $"The bundle {path} lies behind a symbolic link, which is not followed: put the bundle itself there.");
        var written = File.GetLastWriteTimeUtc(file);
        var source = await DeliverySource.OpenFileAsync(file, cancellationToken);
        try
        {
            var names = await ReadLockAsync(content, cancellationToken);
            // A backup of a registry has its locks too; those of other registries are of no use here.
            var entries = names is null
                ? SourceSet.Distinct(source.Entries.Where(entry => entry.Name?.Repository != ContentArtifact.Repository))
                : names.Select(name => Find(source, name, path));
            return await FinishAsync(content.Key, [.. entries.OrderBy(entry => entry.Label, StringComparer.Ordinal)], former,
                (source, (file, written)), cancellationToken);
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    // Tenants may write into their folders, and must not read those of others by that.
    private static bool HasLink(string folder, string path)
    {
        foreach (var part in path.Split('/'))
        {
            folder = Path.Combine(folder, part);
            if (new FileInfo(folder).LinkTarget is not null)
                return true;
        }

        return false;
    }

    /// <summary>What a lock names in a bundle: the lock decides, so a bundle with other content under that name is refused.</summary>
    private static SourceEntry Find(DeliverySource source, Reference name, string path)
    {
        var label = LockText.NameOf(name);
        var found = source.Entries.FirstOrDefault(entry => entry.Label == label)
            ?? source.Entries.FirstOrDefault(entry => name.Tag is null && entry.Name?.Name == name.Name && entry.Root.Digest == name.Digest)
            ?? throw new ContentException($"{label} is not in the bundle {path}.");
        return name.Digest is { } digest && digest != found.Root.Digest
            ? throw new ContentException($"{label} is {found.Root.Digest} in the bundle {path}, and the lock says {digest}.")
            : found with { Label = label };
    }

    private static async Task<IReadOnlyList<SourceEntry>> ResolveAsync(
        SourceRegistry source, IReadOnlyList<Reference> names, CancellationToken cancellationToken)
    {
        var roots = new ConcurrentDictionary<int, SourceEntry>();
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = Workers, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(names.Index(), parallel, async (entry, token) =>
        {
            var repository = source.RepositoryOf(entry.Item);
            var root = await source.Client.ResolveAsync(repository, entry.Item.Selector, token)
                ?? throw new ContentException($"{entry.Item} does not exist in {source.Client.Name}/{repository}.");
            var name = entry.Item.Tag is null ? entry.Item : entry.Item.With(entry.Item.Tag, digest: null);
            roots[entry.Index] = new SourceEntry(
                LockText.NameOf(entry.Item), new ManifestCache(new RegistrySource(source.Client, repository), source.MayKeep),
                root)
            {
                Name = name,
            };
        });
        return [.. roots.OrderBy(pair => pair.Key).Select(pair => pair.Value)];
    }

    // The same content by the same way keeps its open source, with the manifests that were read.
    private static async Task<ResolvedContent> FinishAsync(
        ContentKey key, IReadOnlyList<SourceEntry> entries, ResolvedContent? former, (IDisposable Opened, object Way) source,
        CancellationToken cancellationToken)
    {
        var digest = ResolvedContent.ArtifactOf(key, entries.Select(entry => (entry.Label, entry.Root.Digest))).Root.Digest;
        if (former?.Digest == digest && former.Way.Equals(source.Way))
        {
            source.Opened.Dispose();
            return former;
        }

        var named = former?.Digest == digest ? former.Named : await ContentPlaces.ReadAsync(entries, cancellationToken);
        return new ResolvedContent(key, entries, named, source.Opened) { Way = source.Way };
    }

    private async Task<IReadOnlyList<Reference>?> ReadLockAsync(RegistryContent content, CancellationToken cancellationToken)
    {
        if (content.Spec!.Lock is not { } @lock)
            return null;
        if (@lock.Content is { } inline)
            return LockText.Checked(inline.Select(Reference.Parse), "The lock");
        var (name, key) = (@lock.ConfigMapRef!.Name!, @lock.ConfigMapRef.Key ?? ConfigMapKeyRef.DefaultKey);
        var map = await fleet.FindConfigMapAsync(content.Key, name, cancellationToken)
            ?? throw new DeliveryException($"The ConfigMap {name} with the lock does not exist.");
        return map.TryGetValue(key, out var text) ? LockText.Parse(text, $"The ConfigMap {name}")
            : throw new DeliveryException($"The ConfigMap {name} has no key {key}.");
    }

    private async Task<string?> ReadCaAsync(ContentKey content, RegistrySourceSpec spec, CancellationToken cancellationToken) =>
        spec.CaSecretRef is { } secret
            ? Encoding.UTF8.GetString(await ReadAuthorityAsync(content, secret.Name!, cancellationToken)) : null;

    private async Task<Login?> ReadLoginAsync(ContentKey content, RegistrySourceSpec spec, CancellationToken cancellationToken) =>
        spec.CredentialsSecretRef?.Name is { } name
            ? LoginOf(await ReadSecretAsync(content, name, cancellationToken), name, spec.Host!) : null;

    /// <summary>
    /// The login in a Secret. Whoever writes a RegistryContent names both the Secret and the host that it is sent to, and need not be
    /// allowed to read the Secret: so only one counts that says that it is for this host, or that it is nothing but a login.
    /// </summary>
    /// <exception cref="DeliveryException">It is another kind of Secret, or has no login for the host.</exception>
    internal static Login LoginOf(Secret secret, string name, string host)
    {
        var data = secret.Data ?? new Dictionary<string, byte[]>();
        if (data.TryGetValue(".dockerconfigjson", out var json))
            return DockerConfig.FindInSecret(json, host, $"The Secret {name}")
                ?? throw new DeliveryException($"The Secret {name} has no login for {host}.");
        if (secret.Type != BasicAuthentication)
            throw new DeliveryException($"The Secret {name} can't be used, because its type is neither kubernetes.io/dockerconfigjson nor "
                + $"{BasicAuthentication}.");
        return data.TryGetValue("username", out var user) && data.TryGetValue("password", out var password)
            ? new Login(Encoding.UTF8.GetString(user), Encoding.UTF8.GetString(password))
            : throw new DeliveryException($"The Secret {name} has no username and password.");
    }

    private async Task<byte[]> ReadAuthorityAsync(ContentKey content, string name, CancellationToken cancellationToken) =>
        (await ReadSecretAsync(content, name, cancellationToken)).Data?.TryGetValue("ca.crt", out var value) == true ? value
            : throw new DeliveryException($"The Secret {name} has no key ca.crt.");

    private async Task<Secret> ReadSecretAsync(ContentKey content, string name, CancellationToken cancellationToken) =>
        await fleet.FindSecretAsync(content, name, cancellationToken)
            ?? throw new DeliveryException($"The Secret {name} does not exist.");
}

using System.Net;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Content.Registries;

/// <summary>
/// Lists of referrers. Registries without the referrers API, Distribution among them, keep such a list as an index under a tag made of
/// the subject's digest, which clients write.
/// </summary>
internal sealed class Referrers(RegistryCalls calls, RegistryClient client)
{
    private const int MostPages = 100;

    /// <summary>More manifests do not belong to one name either.</summary>
    private const int MostReferrers = 4096;

    public static string TagOf(Digest subject) =>
        $"{subject.Algorithm}-{subject.Hex}"[..Math.Min(128, 1 + subject.Algorithm.Length + subject.Hex.Length)];

    public async Task<IReadOnlyList<Descriptor>> ListAsync(string repository, Digest subject, CancellationToken cancellationToken)
    {
        var found = await AskAsync(repository, subject, cancellationToken)
            ?? (await client.GetManifestAsync(repository, TagOf(subject), cancellationToken))?.Children ?? [];
        return [.. found.Where(entry => entry.IsManifest).DistinctBy(entry => entry.Digest)
            .OrderBy(entry => entry.Digest.ToString(), StringComparer.Ordinal)];
    }

    /// <summary>Adds manifests to the list under the tag. Lists that have them already are left alone.</summary>
    public static async Task KeepListAsync(
        RegistryClient client, string repository, Digest subject, IReadOnlyList<Descriptor> referrers, CancellationToken cancellationToken)
    {
        var known = (await client.GetManifestAsync(repository, TagOf(subject), cancellationToken))?.Children ?? [];
        var added = referrers.Where(referrer => !known.Any(entry => entry.Digest == referrer.Digest)).DistinctBy(entry => entry.Digest)
            .OrderBy(entry => entry.Digest.ToString(), StringComparer.Ordinal).ToList();
        if (added.Count > 0)
            await client.PutManifestAsync(repository, TagOf(subject), ManifestWriter.Index([.. known, .. added]), cancellationToken);
    }

    // Null where the registry has no such API.
    private async Task<IReadOnlyList<Descriptor>?> AskAsync(string repository, Digest subject, CancellationToken cancellationToken)
    {
        var all = new List<Descriptor>();
        var next = new Uri($"v2/{repository}/referrers/{subject}", UriKind.Relative);
        for (var page = 0; next is not null; page++)
        {
            if (page == MostPages)
                throw new RegistryException($"{calls.Address.Authority} gives referrers of {subject} without an end.");
            using var response = await calls.SendAsync(new RegistryCall(HttpMethod.Get, next,
                $"repository:{repository}:pull") { Accept = [MediaTypes.OciIndex] }, cancellationToken);
            // What is not an index is somebody's 404 page with another status.
            if (response.StatusCode != HttpStatusCode.OK || response.Content.Headers.ContentType?.MediaType != MediaTypes.OciIndex)
                return page == 0 ? null
                    : throw await response.ToExceptionAsync($"list the referrers of {subject} in {repository}", calls.Options,
                    cancellationToken);
            all.AddRange(Manifest.Parse(await response.ReadBodyAsync(Manifest.LargestSize, calls.Options, cancellationToken),
                MediaTypes.OciIndex).Children);
            if (all.Count > MostReferrers)
                throw new RegistryException($"{calls.Address.Authority} gives more than {MostReferrers} referrers of {subject}.");
            var following = Pages.NextOf(response);
            next = following is null ? null : calls.Own(following, next);
        }

        return all;
    }
}

using System.Runtime.CompilerServices;
using CapiRegistryHook.Content.Layouts;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Content.Sources;

namespace CapiRegistryHook.Content.Bundles;

/// <summary>One tag of a registry.</summary>
/// <param name="Repository">The repository.</param>
/// <param name="Tag">The tag.</param>
/// <param name="Content">What it stands for; null when it can't be read.</param>
/// <param name="Problem">Why it can't be read; null when it can.</param>
public sealed record ListedContent(string Repository, string Tag, ContentSummary? Content, string? Problem);

/// <summary>Lists what a registry has, tag by tag. The lists of clients without a referrers API are left out: they are no
/// content.</summary>
public static class RegistryListing
{
    /// <summary>The tags of a repository, in the registry's order.</summary>
    public static async IAsyncEnumerable<ListedContent> ReadAsync(
        RegistryClient registry, string repository, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var tag in registry.TagsAsync(repository, cancellationToken))
        {
            if (IsContent(tag))
                yield return await ReadTagAsync(registry, repository, tag, cancellationToken);
        }
    }

    /// <summary>What one tag stands for, or why that can't be read.</summary>
    public static async Task<ListedContent> ReadTagAsync(
        RegistryClient registry, string repository, string tag, CancellationToken cancellationToken)
    {
        try
        {
            if (await registry.ResolveAsync(repository, tag, cancellationToken) is not { } root)
                return new ListedContent(repository, tag, Content: null, "It has been removed meanwhile.");
            var source = new RegistrySource(registry, repository);
            var tree = await ContentTree.ReadAsync(source, root, new TreeOptions(WithAttached: false), cancellationToken);
            var summary = await ContentSummary.ReadAsync(source, $"{repository}:{tag}", tree, cancellationToken);
            return new ListedContent(repository, tag, summary with { Kind = KindOf(tag) ?? summary.Kind }, Problem: null);
        }
        catch (ContentException exception)
        {
            return new ListedContent(repository, tag, Content: null, exception.Message);
        }
    }

    /// <summary>False for the lists of clients without a referrers API, and for what is not a tag.</summary>
    public static bool IsContent(string tag) => ReferenceGrammar.IsTag(tag) && !IsReferrersList(tag);

    private static bool IsReferrersList(string tag) => tag.Length == 71 && Digest.TryParse(tag.Replace('-', ':'), out _);

    // cosign's manifests look like images.
    private static ContentKind? KindOf(string tag) => LayoutNames.SubjectOf(tag) is null ? null
        : tag.EndsWith(".sig", StringComparison.Ordinal) ? ContentKind.Signature
        : tag.EndsWith(".att", StringComparison.Ordinal) ? ContentKind.Attestation : ContentKind.Sbom;
}

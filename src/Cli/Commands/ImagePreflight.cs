using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Registry.Preflight;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>
/// Whether the images of the registry's own pods can be had. They are looked up from here, with the logins of whoever runs this: what
/// nodes reach may differ, so only a registry that answers that it has no such image is a failure.
/// </summary>
internal static class ImagePreflight
{
    private const string Check = "images";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    public static async Task<IReadOnlyList<PreflightFinding>> RunAsync(
        IReadOnlyList<string> images, TimeProvider time, CancellationToken cancellationToken)
    {
        if (images.Count == 0)
            return [];
        try
        {
            using var registries = new UpstreamRegistries(DockerConfig.Read(DockerConfig.DefaultPath, time), caPem: null, time);
            return await Task.WhenAll(images.Select(image => FindAsync(image, registries, time, cancellationToken)));
        }
        catch (ContentException exception)
        {
            return [Unknown(string.Join(", ", images), exception.Message)];
        }
    }

    private static async Task<PreflightFinding> FindAsync(
        string image, UpstreamRegistries registries, TimeProvider time, CancellationToken cancellationToken)
    {
        if (!Reference.TryParse(image, out var reference))
            return PreflightFinding.Fail(Check, $"The values name the image {image}, which is not an image reference.",
                "correct image, sync.image or garbageCollection.image in the admin's values.");
        using var limit = new CancellationTokenSource(Limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            return await registries.Find(reference.Registry).ResolveAsync(reference.Repository, reference.Selector, either.Token) is null
                ? PreflightFinding.Fail(Check, $"{reference.Registry} has no image {image}.",
                    "correct image, sync.image or garbageCollection.image in the admin's values.")
                : PreflightFinding.Pass(Check, $"{image} is there, as seen from here.");
        }
        catch (ContentException exception)
        {
            return Unknown(image, exception.Message);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return Unknown(image, $"{reference.Registry} did not answer within {Limit.TotalSeconds:0} s.");
        }
    }

    private static PreflightFinding Unknown(string image, string reason) => PreflightFinding.Warn(
        Check, $"Whether nodes can pull {image} is not known: {reason}",
        "nodes that can't reach it need it from a mirror (global.imageRegistry, mirror.fallbacks) or in their machine image: "
            + "docs/air-gap.md.");
}

using System.Text.Json;
using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Content.Mirroring;

/// <summary>What images are called instead: the registry's address and a digest.</summary>
public static class ImageReplacements
{
    private const int LargestFile = 16 << 20;

    /// <summary>The name of an image in the registry.</summary>
    /// <param name="image">The image as it was found; null when it is not there.</param>
    /// <param name="address">The registry's host, and its port where it is not 443.</param>
    public static Reference? Of(MirroredImage? image, string address) =>
        image is { Repository: { } repository, Digest: { } digest } ? Reference.Create(address, repository, tag: null, digest) : null;

    /// <summary>The images that were found, each with its new name.</summary>
    public static byte[] ToJson(IReadOnlyDictionary<Reference, MirroredImage> images, string address)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            foreach (var (image, found) in images.OrderBy(pair => pair.Key.ToString(), StringComparer.Ordinal))
            {
                if (Of(found, address) is { } replacement)
                    json.WriteString(image.ToString(), replacement.ToString());
            }

            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    /// <exception cref="ContentException">The file is not that.</exception>
    public static IReadOnlyDictionary<Reference, Reference> Read(string path)
    {
        try
        {
            if (new FileInfo(path).Length > LargestFile)
                throw new ContentException($"{path} is longer than {LargestFile} bytes.");
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            return document.RootElement.EnumerateObject()
                .ToDictionary(entry => Reference.Parse(entry.Name), entry => Reference.Parse(entry.Value.GetString() ?? ""));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException
            or InvalidOperationException or ArgumentException)
        {
            throw new ContentException($"{path} is not a list of images and their replacements.", exception);
        }
    }
}

using System.Net.Http.Headers;

namespace CapiRegistryHook.Kubernetes.Client;

/// <summary>One call, ready to be sent any number of times.</summary>
/// <param name="Method">The HTTP method.</param>
/// <param name="Path">Path and query below the server's address, escaped.</param>
/// <param name="Resource">What it is about, for messages.</param>
/// <param name="Repeat">Whether it may be sent twice.</param>
internal sealed record ApiRequest(HttpMethod Method, string Path, string Resource, Repeat Repeat)
{
    /// <summary>The body, or null.</summary>
    public byte[]? Body { get; init; }

    /// <summary>The body's media type.</summary>
    public string MediaType { get; init; } = MediaTypes.Json;

    /// <summary>The media type that is asked for.</summary>
    public string Accept { get; init; } = MediaTypes.Json;

    /// <summary>True when the body holds what may not be in a message; the API server quotes bodies that it can't decode.</summary>
    public bool HoldsSecrets { get; init; }

    /// <summary>Largest answer that is read, in bytes; null for <see cref="KubernetesClientOptions.MaxResponseBytes"/>.</summary>
    public int? MostBytes { get; init; }

    /// <summary>Adds the headers that ask for another protocol on the connection; null for a plain call.</summary>
    public Action<HttpRequestHeaders>? Upgrade { get; init; }

    /// <summary>The body for one attempt.</summary>
    public HttpContent? CreateContent()
    {
        if (Body is null)
            return null;
        ByteArrayContent content = new(Body);
        content.Headers.ContentType = new MediaTypeHeaderValue(MediaType);
        return content;
    }

    /// <summary>The request line alone: bodies may hold Secrets.</summary>
    public override string ToString() => $"{Method} {Path}";
}

/// <summary>The types of bodies. https://kubernetes.io/docs/reference/using-api/api-concepts/#patch-and-apply</summary>
internal static class MediaTypes
{
    public const string Json = "application/json";

    /// <summary>The metadata of an object, or of the objects of a watch; the rest of it is not sent.</summary>
    public const string Metadata = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

    /// <summary>A list of the metadata of objects.</summary>
    public const string MetadataList = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
    public const string MergePatch = "application/merge-patch+json";

    /// <summary>Server-side apply; JSON is YAML.</summary>
    public const string Apply = "application/apply-patch+yaml";
}

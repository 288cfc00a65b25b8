using System.Text.Json.Serialization.Metadata;

namespace CapiRegistryHook.Kubernetes.Objects;

/// <summary>Names a resource of the API and how its objects are read and written; paths are built from it inside this room.</summary>
/// <typeparam name="T">The record that holds an object.</typeparam>
/// <param name="Group">The API group, or the empty string for the core group.</param>
/// <param name="Version">The version within the group, as in <c>v1</c>.</param>
/// <param name="Plural">The resource's name in paths, as in <c>secrets</c>.</param>
/// <param name="Kind">The kind of the objects, as in <c>Secret</c>.</param>
/// <param name="Namespaced">Whether the objects lie in namespaces.</param>
/// <param name="Json">The generated JSON code of <typeparamref name="T"/>.</param>
public sealed record ResourceType<T>(string Group, string Version, string Plural, string Kind, bool Namespaced, JsonTypeInfo<T> Json)
    where T : IKubernetesObject
{
    /// <summary>
    /// True to read the metadata of objects alone (PartialObjectMetadata), however large they are; <typeparamref name="T"/> then has
    /// nothing else, and its kind is not the object's.
    /// </summary>
    public bool MetadataOnly { get; init; }

    /// <summary>True for reviews, which the API server answers and does not store: they have no name.</summary>
    public bool IsReview { get; init; }

    /// <summary>The part of each object that calls are about, as in <c>status</c>; null for whole objects.</summary>
    public string? Subresource { get; init; }

    /// <summary>Group and version as objects carry it: <c>apps/v1</c>, or <c>v1</c> in the core group.</summary>
    public string ApiVersion => Group.Length == 0 ? Version : $"{Group}/{Version}";

    /// <summary>The resource as people name it: <c>leases.coordination.k8s.io</c>, or <c>secrets</c> in the core group.</summary>
    /// <returns>The text for logs and messages.</returns>
    public override string ToString() => Group.Length == 0 ? Plural : $"{Plural}.{Group}";
}

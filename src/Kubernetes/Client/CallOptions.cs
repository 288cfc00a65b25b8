using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Kubernetes.Client;

/// <summary>Which objects a list or a watch sees.</summary>
public sealed record ListOptions
{
    /// <summary>The namespace to look in; null is all of them.</summary>
    public string? Namespace { get; init; }

    /// <summary>A label selector, as in <c>app=registry,tier!=cache</c>; null selects everything.</summary>
    public string? LabelSelector { get; init; }

    /// <summary>A field selector, as in <c>metadata.name=one</c>; null selects everything.</summary>
    public string? FieldSelector { get; init; }

    /// <summary>Objects per page, 1 to 10,000; 500 by default, which is what the reference client uses.</summary>
    public int PageSize { get; init; } = 500;

    /// <summary>Answers that a list may take, 1 or more, for servers that are not trusted to end it; null for any number.</summary>
    public int? MostPages { get; init; }

    /// <summary>
    /// Told of each object that is left out because it alone is larger than the client reads; null makes the list fail with its name.
    /// </summary>
    public Action<ObjectMeta>? OnTooLarge { get; init; }
}

/// <summary>Who applies, and what happens to fields that somebody else owns.</summary>
/// <param name="FieldManager">The owner of the fields that are sent; 1 to 128 printable characters.</param>
/// <param name="Force">True takes the fields from other managers; false fails with <see cref="KubernetesFault.Conflict"/>.</param>
public sealed record ApplyOptions(string FieldManager, bool Force)
{
    /// <summary>True to apply the status alone, through its own path; the object has to exist.</summary>
    public bool OnStatus { get; init; }
}

/// <summary>What a deletion asks for first.</summary>
public sealed record DeleteOptions
{
    /// <summary>Delete only the object with this uid; another one is <see cref="KubernetesFault.Conflict"/>.</summary>
    public string? Uid { get; init; }

    /// <summary>Delete only this version of the object; another one is <see cref="KubernetesFault.Conflict"/>.</summary>
    public string? ResourceVersion { get; init; }

    /// <summary>True to leave what the object owns, such as a StatefulSet's pods.</summary>
    public bool OrphansDependents { get; init; }
}

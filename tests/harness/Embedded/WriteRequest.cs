namespace CapiRegistryHook.Harness.Embedded;

/// <summary>A write as the URL and its query ask for it. Name is empty for a create.</summary>
internal sealed record WriteRequest(ServedResource Target, string Namespace, string Name, string Subresource)
{
    public string FieldManager { get; init; } = "";

    public bool DryRun { get; init; }

    /// <summary>Server-side apply only: take over fields that others own.</summary>
    public bool Force { get; init; }

    public ApiResource Resource => Target.Resource;

    public bool IsStatus => Subresource == "status";
}

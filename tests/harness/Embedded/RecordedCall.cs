namespace CapiRegistryHook.Harness.Embedded;

/// <summary>
/// A call that the embedded API server has answered. Verb: get, list, watch, create, update, patch, apply, delete or deletecollection.
/// Namespace and Name are empty where the call named none. StatusCode is 0 when a fault dropped the connection without an answer.
/// </summary>
public sealed record RecordedCall(string Verb, string Resource, string Namespace, string Name, int StatusCode, string? FieldManager)
{
    public string Group { get; init; } = "";

    /// <summary>"status", or empty.</summary>
    public string Subresource { get; init; } = "";

    /// <summary>A call that may change something.</summary>
    public bool IsWrite => Verb is not ("get" or "list" or "watch");
}

/// <summary>A call that is about to be answered: what a fault rule decides by.</summary>
public sealed record RecordedRequest(string Verb, string Resource, string Namespace, string Name, string? FieldManager)
{
    public string Group { get; init; } = "";

    public string Subresource { get; init; } = "";

    internal static RecordedRequest Of(RequestTarget target) =>
        new(target.Verb, target.Plural, target.Namespace, target.Name, target.FieldManager)
    {
        Group = target.Resource?.Version.Group ?? "",
        Subresource = target.Subresource,
    };

    internal RecordedCall Answered(int statusCode) =>
        new(Verb, Resource, Namespace, Name, statusCode, FieldManager) { Group = Group, Subresource = Subresource };
}

namespace CapiRegistryHook.Harness.Embedded;

/// <summary>
/// Which objects a list, a watch or a collection delete is about: a resource, a namespace or all of them, and both selectors.
/// </summary>
internal sealed class ObjectSelector(ServedResource resource, string @namespace, string? labelSelector, string? fieldSelector)
{
    private readonly LabelSelector _labels = LabelSelector.Parse(labelSelector);
    private readonly List<(string Field, string Value, bool Equal)> _fields = ParseFields(fieldSelector);

    public ApiResource Resource => resource.Resource;

    public bool SelectsAll => _labels.SelectsAll && _fields.Count == 0;

    public bool Matches(StoredObject? candidate) =>
        candidate is not null
        && candidate.Resource == resource.Resource
        && (@namespace.Length == 0 || candidate.Namespace == @namespace)
        && _fields.TrueForAll(term => (Field(candidate, term.Field) == term.Value) == term.Equal)
        && _labels.Matches(candidate.Labels);

    private static string Field(StoredObject candidate, string field) => field == "metadata.name" ? candidate.Name : candidate.Namespace;

    private static List<(string Field, string Value, bool Equal)> ParseFields(string? text)
    {
        var terms = new List<(string, string, bool)>();
        foreach (var part in (text ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            var at = part.IndexOf('=', StringComparison.Ordinal);
            if (at < 1) throw ApiError.BadRequest($"invalid selector: '{text}'; can't understand '{part}'");
            var field = part[..at].TrimEnd('!');
            if (field is not ("metadata.name" or "metadata.namespace")) throw ApiError.BadRequest($"field label not supported: {field}");
            terms.Add((field, part[(at + 1)..].TrimStart('='), part[at - 1] != '!'));
        }

        return terms;
    }
}

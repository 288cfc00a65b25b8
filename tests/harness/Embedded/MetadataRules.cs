using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace CapiRegistryHook.Harness.Embedded;

/// <summary>What every object's metadata must hold to.</summary>
internal static partial class MetadataRules
{
    private const string Label =
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
            + "and must start and end with an alphanumeric character "
            + "(e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

    private const string Subdomain =
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
            + "and must start and end with an alphanumeric character "
            + "(e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

    private const string QualifiedName =
        "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
            + "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

    private const string LabelValue =
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
            + "and must start and end with an alphanumeric character "
            + "(e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

    public static IEnumerable<StatusCause> Check(ApiResource resource, JsonObject metadata, JsonObject? former) =>
        [.. Name(resource, metadata), .. Labels(metadata), .. Owners(metadata), .. Finalizers(metadata, former),
            .. Unchanged(metadata, former)];

    private static IEnumerable<StatusCause> Name(ApiResource resource, JsonObject metadata)
    {
        var name = (string?)metadata["name"] ?? "";
        if (name.Length == 0) yield return FieldError.Required("metadata.name", "name or generateName is required");
        else if (resource == ResourceTable.Namespaces && (name.Length > 63 || !LabelPattern().IsMatch(name)))
            yield return FieldError.Invalid("metadata.name", name, Label);
        else if (name.Length > 253 || !SubdomainPattern().IsMatch(name)) yield return FieldError.Invalid("metadata.name", name, Subdomain);
    }

    private static IEnumerable<StatusCause> Labels(JsonObject metadata)
    {
        foreach (var (key, value) in metadata["labels"] as JsonObject ?? [])
        {
            if (!IsQualified(key)) yield return FieldError.Invalid("metadata.labels", key, QualifiedName);
            var text = (string?)value ?? "";
            if (text.Length > 63) yield return FieldError.Invalid("metadata.labels", text, "must be no more than 63 characters");
            if (!LabelValuePattern().IsMatch(text)) yield return FieldError.Invalid("metadata.labels", text, LabelValue);
        }

        foreach (var (key, _) in metadata["annotations"] as JsonObject ?? [])
            if (!IsQualified(key.ToLowerInvariant())) yield return FieldError.Invalid("metadata.annotations", key, QualifiedName);
    }

    private static IEnumerable<StatusCause> Owners(JsonObject metadata)
    {
        var owners = (metadata["ownerReferences"] as JsonArray ?? []).OfType<JsonObject>().ToList();
        foreach (var owner in owners)
        {
            if (IsBlank(owner, "apiVersion"))
                yield return FieldError.Invalid("metadata.ownerReferences.apiVersion", "", "version must not be empty");
            if (IsBlank(owner, "kind")) yield return FieldError.Invalid("metadata.ownerReferences.kind", "", "kind must not be empty");
            if (IsBlank(owner, "name")) yield return FieldError.Invalid("metadata.ownerReferences.name", "", "name must not be empty");
            if (IsBlank(owner, "uid")) yield return FieldError.Invalid("metadata.ownerReferences.uid", "", "uid must not be empty");
        }

        if (owners.Count(owner => (bool?)owner["controller"] == true) > 1)
            yield return FieldError.Invalid("metadata.ownerReferences", null, "Only one reference can have Controller set to true");
    }

    private static IEnumerable<StatusCause> Finalizers(JsonObject metadata, JsonObject? former)
    {
        var finalizers = Texts(metadata["finalizers"]);
        foreach (var finalizer in finalizers.Where(
            text => !text.Contains('/', StringComparison.Ordinal) && text is not ("orphan" or "foregroundDeletion")))
            yield return FieldError.Invalid(
                "metadata.finalizers[0]", finalizer, "name is neither a standard finalizer name nor is it fully qualified");
        if (former?.ContainsKey("deletionTimestamp") != true) yield break;
        var added = finalizers.Except(Texts(former["finalizers"])).Order(StringComparer.Ordinal).ToList();
        if (added.Count > 0)
            yield return FieldError.Forbidden("metadata.finalizers",
                $"no new finalizers can be added if the object is being deleted, found new finalizers "
                    + $"[]string{{{string.Join(", ", added.Select(name => $"\"{name}\""))}}}");
    }

    private static IEnumerable<StatusCause> Unchanged(JsonObject metadata, JsonObject? former)
    {
        if (former is not null && (string?)metadata["name"] != (string?)former["name"])
            yield return FieldError.Immutable("metadata.name", (string?)metadata["name"]);
    }

    private static bool IsBlank(JsonObject owner, string field) => string.IsNullOrEmpty((string?)owner[field]);

    private static List<string> Texts(JsonNode? list) => [.. (list as JsonArray ?? []).Select(item => (string)item!)];

    private static bool IsQualified(string key)
    {
        var parts = key.Split('/');
        return parts.Length <= 2 && parts[^1].Length <= 63 && NamePattern().IsMatch(parts[^1])
            && (parts.Length == 1 || (parts[0].Length <= 253 && SubdomainPattern().IsMatch(parts[0])));
    }

    [GeneratedRegex("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
    private static partial Regex LabelPattern();

    [GeneratedRegex(@"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")]
    private static partial Regex SubdomainPattern();

    [GeneratedRegex("^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$")]
    private static partial Regex NamePattern();

    [GeneratedRegex("^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$")]
    private static partial Regex LabelValuePattern();
}

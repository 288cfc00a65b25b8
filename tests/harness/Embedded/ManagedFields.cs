using System.Text.Json.Nodes;

namespace CapiRegistryHook.Harness.Embedded;

/// <summary>What one manager owns through one operation.</summary>
internal sealed record ManagedFieldsEntry(string Manager, string Operation, string ApiVersion, string? Time, FieldSet Fields)
{
    public const string Apply = "Apply";
    public const string Update = "Update";

    /// <summary>An applier is the same one in whatever version it applies; an updater is another one per version.</summary>
    public bool IsBy(string manager, string operation, string apiVersion) =>
        Manager == manager && Operation == operation && (operation == Apply || ApiVersion == apiVersion);

    /// <summary>As kube-apiserver names a manager in a conflict.</summary>
    public string Print() => Operation == Update ? $"\"{Manager}\" using {ApiVersion}" : $"\"{Manager}\"";
}

/// <summary>metadata.managedFields: who owns which fields of an object.</summary>
internal sealed class ManagedFields(IEnumerable<ManagedFieldsEntry> entries)
{
    private readonly List<ManagedFieldsEntry> _entries = [.. entries.Where(entry => !entry.Fields.IsEmpty)];

    public IReadOnlyList<ManagedFieldsEntry> Entries => _entries;

    public FieldSet Union() => _entries.Aggregate(new FieldSet(), (all, entry) => all.Union(entry.Fields));

    public static ManagedFields Read(JsonObject? value)
    {
        var list = value?["metadata"]?["managedFields"] as JsonArray ?? [];
        return new ManagedFields(list.OfType<JsonObject>().Where(entry => entry.ContainsKey("manager") || entry.ContainsKey("operation"))
            .Select(entry => new ManagedFieldsEntry(
                (string?)entry["manager"] ?? "", (string?)entry["operation"] ?? "", (string?)entry["apiVersion"] ?? "",
                (string?)entry["time"],
                FieldSet.Parse(entry["fieldsV1"] as JsonObject ?? new JsonObject { ["f:none"] = new JsonObject() }))));
    }

    public void Write(JsonObject value)
    {
        var ordered = _entries.OrderBy(entry => entry.Operation, StringComparer.Ordinal).ThenBy(entry => entry.Time, StringComparer.Ordinal)
            .ThenBy(entry => entry.Manager, StringComparer.Ordinal);
        var list = new JsonArray([.. ordered.Select(ToJson)]);
        if (list.Count == 0) value["metadata"]!.AsObject().Remove("managedFields");
        else value["metadata"]!["managedFields"] = list;
    }

    /// <summary>Same owners of the same fields; when they took them does not matter.</summary>
    public bool SameAs(ManagedFields other) =>
        _entries.Count == other._entries.Count && _entries.TrueForAll(entry =>
            other._entries.Exists(peer => peer.IsBy(entry.Manager, entry.Operation, entry.ApiVersion) && peer.Fields.SameAs(entry.Fields)));

    private static JsonObject ToJson(ManagedFieldsEntry entry)
    {
        var json = new JsonObject { ["manager"] = entry.Manager, ["operation"] = entry.Operation, ["apiVersion"] = entry.ApiVersion };
        if (entry.Time is not null) json["time"] = entry.Time;
        json["fieldsType"] = "FieldsV1";
        json["fieldsV1"] = entry.Fields.ToJson();
        return json;
    }
}

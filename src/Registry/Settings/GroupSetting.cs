using System.Text.Json;
using System.Text.Json.Nodes;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Settings;

/// <summary>An object with known fields. Every other field is refused: a misspelt setting must not be ignored silently.</summary>
internal sealed record GroupSetting(string Name, IReadOnlyList<Setting> Fields, string Meaning) : Setting(Name, Meaning)
{
    public override string TypeText => "object";

    /// <summary>The object; nothing, in which every field is absent, when it is absent itself.</summary>
    public JsonElement Read(JsonElement parent) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(Name, out var value) && value.ValueKind == JsonValueKind.Object
            ? value : default;

    public override void Check(JsonElement value, string path, ICollection<Problem> problems)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            Refuse(path, "must be an object", value, problems);
            return;
        }

        foreach (var name in value.EnumerateObject()
            .Select(property => property.Name).Where(name => Fields.All(field => field.Name != name)))
            problems.Add(
                new Problem(
                    path, $"The variable {path} has no field {FieldText.Quote(name)}; its fields are "
                        + $"{string.Join(", ", Fields.Select(field => field.Name))}."));
        foreach (var field in Fields)
            CheckField(field, value, $"{path}.{field.Name}", problems);
    }

    /// <summary>All fields below this one, groups left out, with their paths from here.</summary>
    public IEnumerable<(string Path, Setting Field)> Leaves() => Fields.SelectMany(field => field switch
    {
        GroupSetting group => group.Leaves().Select(leaf => ($"{field.Name}.{leaf.Path}", leaf.Field)),
        GroupListSetting list =>
            list.Item.Leaves().Select(leaf => ($"{field.Name}[].{leaf.Path}", leaf.Field)).Prepend((field.Name, field)),
        _ => [(field.Name, field)],
    });

    protected override void AddTo(JsonObject schema)
    {
        schema["type"] = "object";
        schema["properties"] = new JsonObject(Fields.Select(field => KeyValuePair.Create<string, JsonNode?>(field.Name, field.ToSchema())));
        if (Fields.Any(field => field.IsRequired))
            schema["required"] = new JsonArray([.. Fields.Where(field => field.IsRequired).Select(field => JsonValue.Create(field.Name))]);
    }

    private static void CheckField(Setting field, JsonElement parent, string path, ICollection<Problem> problems)
    {
        if (parent.TryGetProperty(field.Name, out var value) && !IsAbsent(value))
            field.Check(value, path, problems);
        else if (field.IsRequired)
            problems.Add(
                new Problem(
                    path, $"The variable {path} is missing; {field.Meaning[..1].ToLowerInvariant()}{field.Meaning[1..].TrimEnd('.')} "
                        + "must be given."));
    }
}

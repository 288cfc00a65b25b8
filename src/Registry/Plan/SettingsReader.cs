using System.Text.Json;

namespace CapiRegistryHook.Registry;

/// <summary>Reads typed fields of one JSON object and collects a sentence for each that can't be read.</summary>
internal sealed class SettingsReader(JsonElement value, string path, ICollection<Problem> problems)
{
    private bool IsObject => value.ValueKind == JsonValueKind.Object;

    /// <summary>Refuses every other field: a misspelt setting must not be lost in silence.</summary>
    public void OnlyFields(params string[] known)
    {
        if (RegistrySettings.IsAbsent(value))
            return;
        if (!IsObject)
        {
            problems.Add(new Problem(path, $"The variable {path} must be an object, not {RegistrySettings.Describe(value)}."));
            return;
        }

        foreach (var name in value.EnumerateObject().Select(property => property.Name).Where(name => !known.Contains(name)))
            problems.Add(new Problem(path, $"The variable {path} has no field {FieldText.Quote(name)}; its fields are {string.Join(", ", known)}."));
    }

    public SettingsReader Object(string name) => new(Field(name), $"{path}.{name}", problems);

    public int? Integer(string name, int least, int most)
    {
        var field = Field(name);
        if (RegistrySettings.IsAbsent(field))
            return null;
        if (field.ValueKind == JsonValueKind.Number && field.TryGetInt32(out var number) && number >= least && number <= most)
            return number;
        Refuse(name, $"must be a whole number from {least} to {most}", field);
        return null;
    }

    public string? Word(string name, string allowed)
    {
        var field = Field(name);
        if (RegistrySettings.IsAbsent(field))
            return null;
        if (field.ValueKind == JsonValueKind.String && allowed.Split(", ").Contains(field.GetString()))
            return field.GetString();
        Refuse(name, $"must be one of {allowed}", field);
        return null;
    }

    public IReadOnlyList<string> Strings(string name, int most)
    {
        var field = Field(name);
        if (RegistrySettings.IsAbsent(field))
            return [];
        if (field.ValueKind == JsonValueKind.Array && field.GetArrayLength() <= most
            && field.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String))
            return [.. field.EnumerateArray().Select(item => item.GetString()!)];
        Refuse(name, $"must be a list of at most {most} strings", field);
        return [];
    }

    private JsonElement Field(string name) => IsObject && value.TryGetProperty(name, out var field) ? field : default;

    private void Refuse(string name, string rule, JsonElement field) =>
        problems.Add(new Problem($"{path}.{name}", $"The variable {path}.{name} {rule}, not {RegistrySettings.Describe(field)}."));
}

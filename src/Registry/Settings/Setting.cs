using System.Text.Json;
using System.Text.Json.Nodes;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Settings;

/// <summary>
/// One field that a cluster user can set. The check of a value, the schema that Cluster API validates with, and the row in
/// docs/variable.md are all made from this.
/// </summary>
/// <param name="Name">The field's name in the variable.</param>
/// <param name="Meaning">What it decides: the description in the schema and in the documentation.</param>
internal abstract record Setting(string Name, string Meaning)
{
    /// <summary>Without it, the object that holds it makes no sense.</summary>
    public bool IsRequired { get; init; }

    /// <summary>What an absent field comes to, where the schema has no default to show.</summary>
    public string Absent { get; init; } = "none";

    /// <summary>The rule, for people who read the documentation.</summary>
    public abstract string TypeText { get; }

    /// <summary>The default, for people who read the documentation.</summary>
    public virtual string DefaultText => IsRequired ? "required" : Absent;

    /// <summary>Adds a sentence for everything in the value that can't be used. Absent values don't come here.</summary>
    public abstract void Check(JsonElement value, string path, ICollection<Problem> problems);

    /// <summary>The schema of the value, within the rules that Cluster API has for variables.</summary>
    public JsonObject ToSchema()
    {
        var schema = new JsonObject { ["description"] = Meaning };
        AddTo(schema);
        return schema;
    }

    /// <summary>Adds the type and the rules.</summary>
    protected abstract void AddTo(JsonObject schema);

    /// <summary>The value of this field in an object; null when it is absent, or when it was refused.</summary>
    protected JsonElement? In(JsonElement parent)
    {
        if (parent.ValueKind != JsonValueKind.Object || !parent.TryGetProperty(Name, out var value) || IsAbsent(value))
            return null;
        var problems = new List<Problem>();
        Check(value, Name, problems);
        return problems.Count == 0 ? value : null;
    }

    internal static bool IsAbsent(JsonElement value) => value.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null;

    protected static void Refuse(string path, string rule, JsonElement value, ICollection<Problem> problems) =>
        problems.Add(new Problem(path, $"The variable {path} {rule}, not {Describe(value)}."));

    internal static string Describe(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => $"the string {FieldText.Quote(value.GetString())}",
        JsonValueKind.Number => $"the number {FieldText.Quote(value.GetRawText()).Trim('"')}",
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        JsonValueKind.Array => "a list",
        _ => "an object",
    };
}

using System.Text.Json;
using System.Text.Json.Nodes;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Settings;

/// <summary>A whole number.</summary>
internal sealed record IntegerSetting(string Name, int Least, int Most, string Meaning) : Setting(Name, Meaning)
{
    public override string TypeText => $"{Least} to {Most}";

    public int? Read(JsonElement parent) => In(parent)?.GetInt32();

    public override void Check(JsonElement value, string path, ICollection<Problem> problems)
    {
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt32(out var number) || number < Least || number > Most)
            Refuse(path, $"must be a whole number from {Least} to {Most}", value, problems);
    }

    protected override void AddTo(JsonObject schema)
    {
        schema["type"] = "integer";
        schema["minimum"] = Least;
        schema["maximum"] = Most;
    }
}

/// <summary>True or false; false when absent.</summary>
internal sealed record SwitchSetting(string Name, string Meaning) : Setting(Name, Meaning)
{
    public override string TypeText => "`true` or `false`";

    public override string DefaultText => "`false`";

    public bool Read(JsonElement parent) => In(parent)?.GetBoolean() ?? false;

    public override void Check(JsonElement value, string path, ICollection<Problem> problems)
    {
        if (value.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
            Refuse(path, "must be true or false", value, problems);
    }

    protected override void AddTo(JsonObject schema)
    {
        schema["type"] = "boolean";
        schema["default"] = false;
    }
}

/// <summary>One of a few words.</summary>
internal sealed record WordSetting(string Name, IReadOnlyList<string> Words, string Meaning) : Setting(Name, Meaning)
{
    /// <summary>The word that an absent field comes to, written into Clusters by Cluster API; null leaves it absent.</summary>
    public string? Default { get; init; }

    public override string TypeText => string.Join(", ", Words.Select(word => $"`{word}`"));

    public override string DefaultText => Default is null ? base.DefaultText : $"`{Default}`";

    public string? Read(JsonElement parent) => In(parent)?.GetString() ?? Default;

    public override void Check(JsonElement value, string path, ICollection<Problem> problems)
    {
        if (value.ValueKind != JsonValueKind.String || !Words.Contains(value.GetString()))
            Refuse(path, $"must be {(Words.Count > 1 ? "one of " : "")}{string.Join(", ", Words)}", value, problems);
    }

    protected override void AddTo(JsonObject schema)
    {
        schema["type"] = "string";
        schema["enum"] = new JsonArray([.. Words.Select(word => JsonValue.Create(word))]);
        if (Default is not null)
            schema["default"] = Default;
    }
}

/// <summary>A text with a rule.</summary>
internal sealed record TextSetting(string Name, TextRule Rule, string Meaning) : Setting(Name, Meaning)
{
    /// <summary>What an absent field comes to, written into Clusters by Cluster API; null leaves it absent.</summary>
    public string? Default { get; init; }

    public override string TypeText => Rule.Name;

    public override string DefaultText => Default is null ? base.DefaultText : $"`{Default}`";

    public string? Read(JsonElement parent) => In(parent)?.GetString() ?? Default;

    public override void Check(JsonElement value, string path, ICollection<Problem> problems) => Rule.Check(value, path, problems);

    protected override void AddTo(JsonObject schema)
    {
        Rule.AddTo(schema);
        if (Default is not null)
            schema["default"] = Default;
    }
}

/// <summary>A list of texts with one rule.</summary>
internal sealed record TextListSetting(string Name, int Most, TextRule Rule, string Meaning) : Setting(Name, Meaning)
{
    public override string TypeText => $"list of at most {Most}: {Rule.Name}";

    public IReadOnlyList<string> Read(JsonElement parent) =>
        In(parent) is { } list ? [.. list.EnumerateArray().Select(item => item.GetString()!)] : [];

    public override void Check(JsonElement value, string path, ICollection<Problem> problems)
    {
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() > Most
            || value.EnumerateArray().Any(item => item.ValueKind != JsonValueKind.String))
        {
            Refuse(path, $"must be a list of at most {Most} strings", value, problems);
            return;
        }

        foreach (var (index, item) in value.EnumerateArray().Index())
            Rule.Check(item, $"{path}[{index}]", problems);
    }

    protected override void AddTo(JsonObject schema)
    {
        schema["type"] = "array";
        schema["maxItems"] = Most;
        var items = new JsonObject();
        Rule.AddTo(items);
        schema["items"] = items;
    }
}

/// <summary>A list of objects with the same fields.</summary>
internal sealed record GroupListSetting(string Name, int Most, GroupSetting Item, string Meaning) : Setting(Name, Meaning)
{
    public override string TypeText => $"list of at most {Most}";

    public IReadOnlyList<T> Read<T>(JsonElement parent, Func<JsonElement, T> bind) =>
        In(parent) is { } list ? [.. list.EnumerateArray().Select(bind)] : [];

    public override void Check(JsonElement value, string path, ICollection<Problem> problems)
    {
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() > Most)
        {
            Refuse(path, $"must be a list of at most {Most} objects", value, problems);
            return;
        }

        foreach (var (index, item) in value.EnumerateArray().Index())
            Item.Check(item, $"{path}[{index}]", problems);
    }

    protected override void AddTo(JsonObject schema)
    {
        schema["type"] = "array";
        schema["maxItems"] = Most;
        schema["items"] = Item.ToSchema();
    }
}

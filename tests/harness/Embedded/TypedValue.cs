using System.Collections.Immutable;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CapiRegistryHook.Harness.Embedded;

/// <summary>One step below a value: the path element, the value there, and its schema.</summary>
internal readonly record struct FieldStep(string Element, JsonNode? Value, FieldSchema Schema);

/// <summary>
/// A JSON value and its schema: which parts of it can be owned separately, what differs between two of them, and how an applied one is
/// merged
/// into a live one. The rules are those of structured merge: scalars, atomic lists and atomic maps are leaves, everything else is walked.
/// </summary>
internal static class TypedValue
{
    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The separately owned parts of a value, or null when it is owned as a whole.</summary>
    public static List<FieldStep>? Steps(JsonNode? value, FieldSchema schema) => value switch
    {
        JsonObject map when !schema.Atomic => [.. map.Select(pair => new FieldStep("f:" + pair.Key, pair.Value, schema.Child(pair.Key)))],
        JsonArray list when schema.Merge == ListMerge.ByKey =>
            [.. list.Select(item => new FieldStep(KeyOf(item, schema), item, schema.Element!))],
        JsonArray list when schema.Merge == ListMerge.Set =>
            [.. list.Select(item => new FieldStep("v:" + (item?.ToJsonString(Plain) ?? "null"), item, schema.Element!))],
        _ => null,
    };

    /// <summary>The fields an applier owns by sending this value: its leaves, its empty maps and its list items.</summary>
    public static FieldSet Fields(JsonNode? value, FieldSchema schema)
    {
        if (Steps(value, schema) is not { } steps) return FieldSet.Leaf();
        var set = new FieldSet { Member = steps.Count == 0 };
        foreach (var step in steps)
        {
            var child = Fields(step.Value, step.Schema);
            if (value is JsonArray || (!schema.Declares(step.Element[2..]))) child.Member = true;
            set.Put(step.Element, child);
        }

        return set;
    }

    public static Comparison Compare(JsonNode? before, JsonNode? after, FieldSchema schema)
    {
        if (before is null && after is null) return new Comparison();
        if (before is null) return new Comparison { Added = Everything(after, schema) };
        if (after is null) return new Comparison { Removed = Everything(before, schema) };
        if (Steps(before, schema) is { } old && Steps(after, schema) is { } current && before.GetValueKind() == after.GetValueKind())
            return CompareSteps(old, current);
        return JsonNode.DeepEquals(before, after) ? new Comparison() : new Comparison { Modified = FieldSet.Leaf() };
    }

    /// <summary>The live value with the applied one laid over it; nothing of the live one is dropped here.</summary>
    public static JsonNode? Merge(JsonNode? live, JsonNode? applied, FieldSchema schema)
    {
        if (applied is JsonObject config && live is JsonObject map && !schema.Atomic)
        {
            var result = map.DeepClone().AsObject();
            foreach (var (name, value) in config) result[name] = Merge(map[name], value, schema.Child(name));
            return result;
        }

        return applied is JsonArray items && live is JsonArray list && schema.Merge != ListMerge.Atomic
            ? MergeLists(list, items, schema)
            : applied?.DeepClone();
    }

    /// <summary>
    /// Removes in place what is in <paramref name="former"/> but that nobody in <paramref name="owned"/> has; an emptied container goes
    /// too.
    /// </summary>
    public static void Prune(JsonNode? value, FieldSet former, FieldSet owned, FieldSchema schema) =>
        Prune(value, former, owned, schema, []);

    /// <param name="keys">The fields that identify <paramref name="value"/> in its list: they go only with the whole item.</param>
    private static void Prune(JsonNode? value, FieldSet former, FieldSet owned, FieldSchema schema, ImmutableArray<string> keys)
    {
        foreach (var step in Steps(value, schema) ?? [])
        {
            if (former.Child(step.Element) is not { } had || keys.Contains(step.Element[2..])) continue;
            var has = owned.Child(step.Element) ?? new FieldSet();
            Prune(step.Value, had, has, step.Schema, schema.Keys);
            if (has.IsEmpty && IsGone(step, had, schema.Keys)) Remove(value!, step);
        }
    }

    private static bool IsGone(FieldStep step, FieldSet had, ImmutableArray<string> keys) =>
        Steps(step.Value, step.Schema) is { } left ? left.All(field => keys.Contains(field.Element[2..])) : had.Member;

    private static void Remove(JsonNode container, FieldStep step)
    {
        if (container is JsonObject map) map.Remove(step.Element[2..]);
        else container.AsArray().Remove(step.Value);
    }

    private static Comparison CompareSteps(List<FieldStep> before, List<FieldStep> after)
    {
        var result = new Comparison();
        var old = new Dictionary<string, FieldStep>(StringComparer.Ordinal);
        foreach (var step in before) old[step.Element] = step;
        foreach (var step in after)
        {
            var was = old.Remove(step.Element, out var former) ? former.Value : null;
            result.Put(step.Element, Compare(was, step.Value, step.Schema));
        }

        foreach (var step in old.Values) result.Put(step.Element, Compare(step.Value, null, step.Schema));
        return result;
    }

    private static FieldSet Everything(JsonNode? value, FieldSchema schema)
    {
        var set = FieldSet.Leaf();
        foreach (var step in Steps(value, schema) ?? []) set.Put(step.Element, Everything(step.Value, step.Schema));
        return set;
    }

    private static JsonArray MergeLists(JsonArray live, JsonArray applied, FieldSchema schema)
    {
        var config = Steps(applied, schema)!.DistinctBy(step => step.Element).ToDictionary(step => step.Element, StringComparer.Ordinal);
        var result = new JsonArray();
        foreach (var step in Steps(live, schema)!)
            result.Add(config.Remove(step.Element, out var item) ? Merge(step.Value, item.Value, step.Schema) : step.Value?.DeepClone());
        foreach (var step in config.Values) result.Add(step.Value?.DeepClone());
        return result;
    }

    private static string KeyOf(JsonNode? item, FieldSchema schema)
    {
        var keys = new JsonObject();
        foreach (var key in schema.Keys) keys[key] = (item as JsonObject)?[key]?.DeepClone();
        return "k:" + keys.ToJsonString(Plain);
    }
}

/// <summary>What differs between two values, as sets of paths.</summary>
internal sealed class Comparison
{
    public FieldSet Added { get; init; } = new();

    public FieldSet Modified { get; init; } = new();

    public FieldSet Removed { get; init; } = new();

    public FieldSet Written => Added.Union(Modified);

    public void Put(string element, Comparison child)
    {
        Added.Put(element, child.Added);
        Modified.Put(element, child.Modified);
        Removed.Put(element, child.Removed);
    }
}

using System.Text.Json.Nodes;

namespace CapiRegistryHook.Harness.Embedded;

/// <summary>
/// A set of field paths, kept in the very shape of FieldsV1: a tree whose keys are "f:name", "k:{keys}" or "v:value". A node that is
/// itself in
/// the set is a member; an inner member is written as ".".
/// </summary>
internal sealed class FieldSet
{
    public bool Member { get; set; }

    public SortedDictionary<string, FieldSet> Children { get; } = new(StringComparer.Ordinal);

    public bool IsEmpty => !Member && Children.Count == 0;

    public FieldSet? Child(string element) => Children.GetValueOrDefault(element);

    public static FieldSet Leaf() => new() { Member = true };

    public void Put(string element, FieldSet child)
    {
        if (!child.IsEmpty) Children[element] = child;
    }

    public FieldSet Union(FieldSet other) => Combine(this, other, (a, b) => a || b);

    public FieldSet Intersect(FieldSet other) => Combine(this, other, (a, b) => a && b);

    public FieldSet Except(FieldSet other) => Combine(this, other, (a, b) => a && !b);

    public bool SameAs(FieldSet other) =>
        Member == other.Member && Children.Count == other.Children.Count
        && Children.All(pair => other.Child(pair.Key) is { } child && pair.Value.SameAs(child));

    /// <summary>Every member as a path in the form kube-apiserver prints: .metadata.ownerReferences[uid="1"].name</summary>
    public IEnumerable<string> Paths(string prefix = "")
    {
        if (Member) yield return prefix;
        foreach (var path in Children.SelectMany(pair => pair.Value.Paths(prefix + Print(pair.Key)))) yield return path;
    }

    public JsonObject ToJson()
    {
        var json = new JsonObject();
        if (Children.Count == 0) return json;
        if (Member) json["."] = new JsonObject();
        foreach (var (element, child) in Children) json[element] = child.ToJson();
        return json;
    }

    public static FieldSet Parse(JsonObject json)
    {
        var set = new FieldSet { Member = json.Count == 0 || json.ContainsKey(".") };
        foreach (var (element, child) in json)
            if (element != "." && child is JsonObject fields) set.Children[element] = Parse(fields);
        return set;
    }

    private static FieldSet Combine(FieldSet? left, FieldSet? right, Func<bool, bool, bool> rule)
    {
        var result = new FieldSet { Member = rule(left?.Member ?? false, right?.Member ?? false) };
        var elements = (left?.Children.Keys ?? Enumerable.Empty<string>()).Union(right?.Children.Keys ?? Enumerable.Empty<string>());
        foreach (var element in elements) result.Put(element, Combine(left?.Child(element), right?.Child(element), rule));
        return result;
    }

    private static string Print(string element) => element[0] switch
    {
        'f' => "." + element[2..],
        'v' => $"[={element[2..]}]",
        _ => $"[{string.Join(",", JsonNode.Parse(element[2..])!.AsObject().Select(pair => $"{pair.Key}={pair.Value!.ToJsonString()}"))}]",
    };
}

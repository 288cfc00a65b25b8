using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace CapiRegistryHook.Harness.Embedded;

internal enum FieldKind { Any, Text, Bytes, Integer, Number, Flag, Time, MicroTime, Struct, Map, List }

internal enum ListMerge { Atomic, Set, ByKey }

/// <summary>
/// What the server knows about one field: its type, and how two writers' values of it are merged. One tree per served version drives
/// pruning,
/// defaulting, validation and server-side apply, as the structural schema (or the Go type) does on a real API server.
/// </summary>
internal sealed record FieldSchema(FieldKind Kind)
{
    public static readonly FieldSchema Any = new(FieldKind.Any);
    public static readonly FieldSchema Text = new(FieldKind.Text);
    public static readonly FieldSchema Bytes = new(FieldKind.Bytes);
    public static readonly FieldSchema Integer = new(FieldKind.Integer);
    public static readonly FieldSchema Flag = new(FieldKind.Flag);
    public static readonly FieldSchema Time = new(FieldKind.Time);
    public static readonly FieldSchema MicroTime = new(FieldKind.MicroTime);

    public ImmutableDictionary<string, FieldSchema> Fields { get; init; } = ImmutableDictionary<string, FieldSchema>.Empty;
    public FieldSchema? Element { get; init; }
    public ListMerge Merge { get; init; }
    public ImmutableArray<string> Keys { get; init; } = [];
    public ImmutableArray<string> Required { get; init; } = [];
    public ImmutableArray<string> Allowed { get; init; } = [];

    /// <summary>Owned and replaced as a whole by server-side apply (x-kubernetes-map-type: atomic).</summary>
    public bool Atomic { get; init; }

    /// <summary>x-kubernetes-preserve-unknown-fields: fields outside <see cref="Fields"/> are kept.</summary>
    public bool PreserveUnknown { get; init; }

    public JsonNode? Default { get; init; }

    public static FieldSchema Struct(params (string Name, FieldSchema Schema)[] fields) =>
        new(FieldKind.Struct) { Fields = fields.ToImmutableDictionary(field => field.Name, field => field.Schema, StringComparer.Ordinal) };

    public static FieldSchema MapOf(FieldSchema element) => new(FieldKind.Map) { Element = element };

    public static FieldSchema ListOf(FieldSchema element) => new(FieldKind.List) { Element = element };

    public static FieldSchema SetOf(FieldSchema element) => new(FieldKind.List) { Element = element, Merge = ListMerge.Set };

    public static FieldSchema ListByKey(FieldSchema element, params string[] keys) =>
        new(FieldKind.List) { Element = element, Merge = ListMerge.ByKey, Keys = [.. keys.Order(StringComparer.Ordinal)] };

    public FieldSchema Requiring(params string[] names) => this with { Required = [.. names] };

    public FieldSchema OneOf(params string[] values) => this with { Allowed = [.. values] };

    public FieldSchema AsAtomic() => this with { Atomic = true };

    public FieldSchema Open() => this with { PreserveUnknown = true };

    public FieldSchema WithDefault(JsonNode value) => this with { Default = value };

    public bool Declares(string name) => Fields.ContainsKey(name);

    /// <summary>The schema of a field, a map value or a list item; what is not described is Any.</summary>
    public FieldSchema Child(string name) => Fields.TryGetValue(name, out var schema) ? schema : Element ?? Any;
}

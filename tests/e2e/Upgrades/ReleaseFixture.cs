using System.Globalization;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;

namespace CapiRegistryHook.EndToEnd.Tests.Upgrades;

/// <summary>
/// What a version of the service left on the management and the workload cluster, kept for the tests of later versions. Keys, dates and
/// everything else that is another one each time stands in it as a placeholder, <c>${place}</c>; no secret is in the repository.
/// </summary>
internal static class ReleaseFixture
{
    /// <summary>Shorter values are looked for nowhere but in their own place: they might be part of any text.</summary>
    private const int ShortestPart = 6;

    private static readonly JsonSerializerOptions Readable = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NewLine = "\n",
        WriteIndented = true,
    };

    /// <summary>One folder per version, oldest first.</summary>
    public static IReadOnlyList<string> Versions =>
        [.. Directory.GetDirectories(Root).Select(folder => Path.GetFileName(folder)).OrderBy(Version.Parse)];

    private static string Root => Path.Combine(RepositoryRoot.Find(), "tests", "e2e", "Upgrades", "releases");

    /// <summary>A file of a version.</summary>
    public static string FileOf(string version, string name) => Path.Combine(Root, version, name);

    /// <summary>A list of a version: its objects' texts by place, with placeholders, or the digests of its patches.</summary>
    public static SortedDictionary<string, string> Read(string version, string name) =>
        JsonSerializer.Deserialize<SortedDictionary<string, string>>(File.ReadAllText(FileOf(version, name)))!;

    /// <summary>Writes a list of a version.</summary>
    public static void Write(string version, string name, SortedDictionary<string, string> list)
    {
        Directory.CreateDirectory(Path.Combine(Root, version));
        File.WriteAllText(FileOf(version, name), JsonSerializer.Serialize(list, Readable) + "\n");
    }

    /// <summary>
    /// The digests of the golden requests, and of what each version of the handler makes of their templates. The unit tests hold them
    /// against
    /// the program.
    /// </summary>
    public static SortedDictionary<string, string> Patches()
    {
        var testdata = Path.Combine(RepositoryRoot.Find(), "tests", "unit", "testdata");
        return new(Directory.GetDirectories(testdata, "generatepatches*")
            .SelectMany(folder => Directory.GetFiles(folder, "patched.json", SearchOption.AllDirectories))
            .SelectMany(file => (string[])[file, Path.Combine(Path.GetDirectoryName(file)!, "request.json")])
            .ToDictionary(file => Path.GetRelativePath(testdata, file),
                file => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(file)))), StringComparer.Ordinal);
    }

    /// <summary>
    /// The same objects from two installations: what differs becomes a placeholder, called like its place. A longer text that has such a
    /// value in it refers to the place of the value.
    /// </summary>
    public static SortedDictionary<string, string> Compare(
        SortedDictionary<string, string> first, SortedDictionary<string, string> second)
    {
        Assert.Equal(first.Keys, second.Keys);
        var known = new List<(string Place, string First, string Second)>();
        var result = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var place in first.Keys.OrderBy(place => first[place].Length).ThenBy(place => place, StringComparer.Ordinal))
        {
            var (one, other) = (first[place], second[place]);
            foreach (var value in known)
                (one, other) = (Replace(one, value.First, value.Place), Replace(other, value.Second, value.Place));
            var isAlone = one != other || known.Exists(value => one == Placeholder(value.Place));
            if (isAlone && first[place].Length >= ShortestPart && !IsTime(first[place]))
                known.Add((place, first[place], second[place]));
            result[place] = isAlone ? Placeholder(place) : one;
        }

        return result;
    }

    /// <summary>A fixture with the values of an installation in the place of its placeholders.</summary>
    /// <exception cref="InvalidDataException">The installation lacks what an earlier version wrote.</exception>
    public static SortedDictionary<string, string> Fill(SortedDictionary<string, string> fixture, SortedDictionary<string, string> values)
    {
        var missing = fixture.Where(entry => entry.Value == Placeholder(entry.Key) && !values.ContainsKey(entry.Key)).ToList();
        if (missing.Count > 0)
            throw new InvalidDataException($"An earlier version wrote {string.Join(", ", missing.Select(entry => entry.Key))}, and this "
                + "one does not. It has to understand the earlier name for as long as such objects are about.");
        var own = fixture.Where(entry => entry.Value == Placeholder(entry.Key)).Select(entry => entry.Key).ToList();
        return new SortedDictionary<string, string>(fixture.ToDictionary(entry => entry.Key, entry =>
            own.Aggregate(entry.Value, (text, place) => text.Replace(Placeholder(place), values[place], StringComparison.Ordinal))),
            StringComparer.Ordinal);
    }

    /// <summary>Every text in an object by its place; an annotation's name is a step of its own.</summary>
    public static IEnumerable<(string Place, string Text)> Flatten(string prefix, JsonNode? node) => node switch
    {
        JsonObject map => map.SelectMany(field => Flatten($"{prefix}|{field.Key}", field.Value)),
        JsonArray list => list.SelectMany((item, index) => Flatten($"{prefix}|[{index}", item)),
        null => [],
        _ => [(prefix, node.GetValueKind() == JsonValueKind.String ? (string)node! : $"json:{node.ToJsonString()}")],
    };

    /// <summary>The object of which these are the texts; places without the object's own.</summary>
    public static JsonObject Unflatten(IEnumerable<(string Place, string Text)> texts)
    {
        var root = new JsonObject();
        foreach (var (place, text) in texts)
            Put(root, place.Split('|', StringSplitOptions.RemoveEmptyEntries), text);
        return root;
    }

    private static void Put(JsonObject root, string[] steps, string text)
    {
        JsonNode at = root;
        for (var index = 0; index < steps.Length - 1; index++)
        {
            JsonNode New() => steps[index + 1][0] == '[' ? new JsonArray() : new JsonObject();
            if (at is JsonArray list)
            {
                if (list.Count <= int.Parse(steps[index][1..], CultureInfo.InvariantCulture))
                    list.Add(New());
                at = list[int.Parse(steps[index][1..], CultureInfo.InvariantCulture)]!;
            }
            else
            {
                at = at[steps[index]] ??= New();
            }
        }

        var value = text.StartsWith("json:", StringComparison.Ordinal) ? JsonNode.Parse(text[5..]) : JsonValue.Create(text);
        if (at is JsonArray last)
            last.Add(value);
        else
            at[steps[^1]] = value;
    }

    /// <summary>Two places may have the same second by chance.</summary>
    private static bool IsTime(string text) => text[^1] == 'Z' && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, out _);

    private static string Replace(string text, string value, string place) =>
        text.Replace(value, Placeholder(place), StringComparison.Ordinal);

    private static string Placeholder(string place) => $"${{{place}}}";
}

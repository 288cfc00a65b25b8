using System.Reflection;
using System.Text.RegularExpressions;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Hooks;

namespace CapiRegistryHook.Unit.Tests;

/// <summary>
/// Inside a room a namespace is a folder, and folders form a stair: each uses only those below it. The compiler keeps the walls between
/// rooms; this keeps the stairs inside them.
/// </summary>
public sealed partial class ArchitectureTests
{
    private static readonly string Sources = Path.Combine(RepositoryRoot.Find(), "src");

    [Fact]
    public void Namespaces_OfAllSources_AreTheirFolders() => Assert.Empty(
        from source in ReadSources()
        where source.Namespace.Length > 0 && source.Namespace != "CapiRegistryHook." + source.Folder.Replace('/', '.')
        select $"{source.File} has the namespace {source.Namespace}.");

    [Fact]
    public void Namespaces_OfAllTests_AreTheirFolders() => Assert.Empty(
        from project in Directory.GetFiles(Path.Combine(RepositoryRoot.Find(), "tests"), "*.csproj", SearchOption.AllDirectories)
        let root = RootNamespace().Match(File.ReadAllText(project)).Groups[1].Value
        let folder = Path.GetDirectoryName(project)!
        from file in Directory.GetFiles(folder, "*.cs", SearchOption.AllDirectories)
        let path = Path.GetRelativePath(folder, file)
        where !path.Split('/').Any(part => part is "obj" or "bin")
        let space = Namespace().Match(File.ReadAllText(file)).Groups[1].Value
        where space.Length > 0 && space != string.Join('.', path.Split('/').SkipLast(1).Prepend(root))
        select $"{project}: {path} has the namespace {space}.");

    [Fact]
    public void Folders_OfAllRooms_FormAStair()
    {
        var sources = ReadSources();
        Assert.Empty(FindCircle(sources.SelectMany(source => Arrows(source, sources)).Distinct()));
    }

    [Fact]
    public void FindCircle_OfTwoFolders_NamesBoth() =>
        Assert.Equal(["A/Lower", "A/Upper"], FindCircle([("A/Upper", "A/Lower"), ("A/Lower", "A/Upper"), ("A/Top", "A/Upper")]));

    /// <summary>X.509 belongs to Certificates and, where TLS meets it, to Registry.</summary>
    [Fact]
    public void Hooks_KnowNoX509Type() => Assert.DoesNotContain(
        ReadSources(), source => source.File.StartsWith("Hooks/", StringComparison.Ordinal)
            && source.Text.Contains("X509", StringComparison.Ordinal));

    /// <summary>The service runs without the code that people deliver content with.</summary>
    [Fact]
    public void Hooks_ReachNeitherContentNorDelivery()
    {
        var reached = new HashSet<string>(StringComparer.Ordinal);
        var next = new Queue<Assembly>([typeof(HookHost).Assembly]);
        while (next.TryDequeue(out var room))
        {
            foreach (var name in room.GetReferencedAssemblies()
                .Where(name => name.Name!.StartsWith("CapiRegistryHook.", StringComparison.Ordinal)))
            {
                if (reached.Add(name.Name!))
                    next.Enqueue(Assembly.Load(name));
            }
        }

        Assert.Equal(["CapiRegistryHook.Certificates", "CapiRegistryHook.Kubernetes", "CapiRegistryHook.Registry"],
            reached.Order(StringComparer.Ordinal));
    }

    /// <summary>What tests send and compare stands in one piece, so the length of their literals does not count.</summary>
    [Theory]
    [InlineData("src")]
    [InlineData("packaging")]
    [InlineData("tests")]
    public void Lines_OfAllFiles_KeepToTheEditorConfig(string folder)
    {
        var root = RepositoryRoot.Find();
        var longest = int.Parse(LongestLine().Match(File.ReadAllText(Path.Combine(root, ".editorconfig"))).Groups[1].ValueSpan);
        Assert.Empty(
            from file in Directory.GetFiles(Path.Combine(root, folder), "*.cs", SearchOption.AllDirectories)
            let path = Path.GetRelativePath(root, file)
            where !path.Split('/').Any(part => part is "obj" or "bin" or "testdata")
            let text = File.ReadAllText(file)
            from line in (folder == "tests" ? Literal().Replace(text, KeepBreaks) : text).Split('\n').Index()
            where line.Item.Length > longest
            select $"{path}:{line.Index + 1}");

        static string KeepBreaks(Match literal) => new('\n', literal.ValueSpan.Count('\n'));
    }

    /// <summary>Takes away folders that use no other until none is left, or only those of circles and above them.</summary>
    private static List<string> FindCircle(IEnumerable<(string From, string To)> arrows)
    {
        var left = arrows.ToList();
        while (left.RemoveAll(arrow => left.TrueForAll(other => other.From != arrow.To)) > 0)
        {
        }

        while (left.RemoveAll(arrow => left.TrueForAll(other => other.To != arrow.From)) > 0)
        {
        }

        return [.. left.Select(arrow => arrow.From).Distinct().Order(StringComparer.Ordinal)];
    }

    /// <summary>What lies in a room's root is seen without a using, so its types are looked for by name.</summary>
    private static IEnumerable<(string From, string To)> Arrows(Source source, List<Source> all)
    {
        var room = source.Folder.Split('/')[0];
        var used = Using().Matches(source.Text).Select(match => match.Groups[1].Value.Replace('.', '/'));
        var ofRoot = all.Where(
            other => other.Folder == room && Regex.IsMatch(Code(source), $@"\b{Path.GetFileNameWithoutExtension(other.File)}\b"));
        return used.Concat(ofRoot.Select(other => other.Folder))
            .Where(to => to.Split('/')[0] == room && to != source.Folder).Select(to => (source.Folder, to));
    }

    private static string Code(Source source) => Comment().Replace(source.Text, "");

    private static List<Source> ReadSources()
    {
        var sources = Directory.GetFiles(Sources, "*.cs", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(Sources, file))
            .Where(file => !file.Split('/').Any(part => part is "obj" or "bin"))
            .Select(file => (file, text: File.ReadAllText(Path.Combine(Sources, file))))
            .Select(source => new Source(
                source.file, Path.GetDirectoryName(source.file)!, Namespace().Match(source.text).Groups[1].Value, source.text))
            .ToList();
        Assert.True(sources.Count > 100);
        return sources;
    }

    [GeneratedRegex(@"^using (?:static )?(?:\w+ = )?CapiRegistryHook\.([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Using();

    [GeneratedRegex("<RootNamespace>(.*)</RootNamespace>")]
    private static partial Regex RootNamespace();

    [GeneratedRegex("//.*")]
    private static partial Regex Comment();

    [GeneratedRegex(@"(""{3,})[\s\S]*?\1|""(?:\\.|[^""\\\n])*""")]
    private static partial Regex Literal();

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Namespace();

    [GeneratedRegex(@"^max_line_length = (\d+)$", RegexOptions.Multiline)]
    private static partial Regex LongestLine();

    private sealed record Source(string File, string Folder, string Namespace, string Text);
}

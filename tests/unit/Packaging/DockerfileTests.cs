using System.Text.RegularExpressions;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Packaging.Images;

namespace CapiRegistryHook.Unit.Tests.Packaging;

/// <summary>
/// The Dockerfile makes the same image as <c>make image</c>, and keeps to what linters of Dockerfiles ask. No machine of these tests has
/// Docker, so it is read, not built.
/// </summary>
public sealed partial class DockerfileTests
{
    private static readonly string[] Known =
        ["ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "LABEL", "RUN", "USER", "WORKDIR"];

    private static readonly List<(string Keyword, string Arguments)> Instructions = Read();

    private static readonly ImageFacts Facts = new("registry.example.com", "$VERSION", DateTimeOffset.UnixEpoch, "$REVISION");

    [Fact]
    public void Instructions_AreAllKnown() => Assert.Empty(Instructions.Select(step => step.Keyword).Except(Known));

    /// <summary>A tag that moves with major versions only, or an own stage.</summary>
    [Fact]
    public void From_EachStage_HasATagThatIsNotLatest() => Assert.All(
        Instructions.Where(step => step.Keyword == "FROM"), step => Assert.Matches(BaseImage(), step.Arguments));

    [Fact]
    public void Commands_OfTheContainer_NeedNoShell() => Assert.All(
        Instructions.Where(step => step.Keyword is "CMD" or "ENTRYPOINT"), step => Assert.StartsWith("[\"", step.Arguments,
            StringComparison.Ordinal));

    [Fact]
    public void LastStage_RunsNothing() => Assert.DoesNotContain(LastStage(), step => step.Keyword == "RUN");

    [Fact]
    public void LastStage_UserAndCommands_AreThoseOfTheImage()
    {
        Assert.Equal(ImageFacts.User, Single("USER"));
        Assert.Equal("[\"/capi-registry-hook\"]", Single("ENTRYPOINT"));
        Assert.Equal("[\"serve\"]", Single("CMD"));
        Assert.Equal("9443 8080", Single("EXPOSE"));
        Assert.Equal("/", Single("WORKDIR"));
        Assert.Equal(ImageFacts.RuntimeSetting, Single("ENV"));
    }

    [Fact]
    public void Labels_AreThoseOfTheImage()
    {
        var labels = Label().Matches(Single("LABEL")).Select(match => (match.Groups[1].Value, match.Groups[2].Value));
        Assert.Equal(
            Facts.Labels.Select(label => label.Key.EndsWith(".created", StringComparison.Ordinal) ? (label.Key, "$CREATED") : label),
            labels);
    }

    [Fact]
    public void Platforms_EachWithItsRuntime()
    {
        var run = Instructions.Single(step => step.Keyword == "RUN").Arguments;
        Assert.Contains("linux/amd64) runtime=linux-x64", run, StringComparison.Ordinal);
        Assert.Contains("linux/arm64*) runtime=linux-arm64", run, StringComparison.Ordinal);
        Assert.Contains("--runtime \"$runtime\"", run, StringComparison.Ordinal);
    }

    /// <summary>Nothing that .dockerignore keeps out, and nothing that is not there.</summary>
    [Fact]
    public void CopiedFiles_AreInTheContext()
    {
        var ignored = File.ReadAllLines(Path.Combine(RepositoryRoot.Find(), ".dockerignore"));
        var copied = Instructions.Where(step => step.Keyword == "COPY" && !step.Arguments.StartsWith("--from", StringComparison.Ordinal))
            .SelectMany(step => step.Arguments.Split(' ').SkipLast(1)).ToList();
        Assert.All(copied, file => Assert.True(Path.Exists(Path.Combine(RepositoryRoot.Find(), file)), file));
        Assert.Empty(copied.Intersect(ignored));
    }

    private static string Single(string keyword) => LastStage().Single(step => step.Keyword == keyword).Arguments;

    private static IEnumerable<(string Keyword, string Arguments)> LastStage() =>
        Instructions.Skip(Instructions.FindLastIndex(step => step.Keyword == "FROM"));

    private static List<(string Keyword, string Arguments)> Read()
    {
        var text = File.ReadAllText(Path.Combine(RepositoryRoot.Find(), "Dockerfile")).Replace("\\\n", "", StringComparison.Ordinal);
        return [.. text.Split('\n').Where(line => line.Length > 0 && line[0] != '#').Select(line => line.Split(' ', 2))
            .Select(parts => (parts[0], parts[1]))];
    }

    [GeneratedRegex(@"^(--platform=\$BUILDPLATFORM )?mcr\.microsoft\.com/dotnet/[a-z-]+:10\.0[a-z-]*( AS [a-z]+)?$")]
    private static partial Regex BaseImage();

    [GeneratedRegex("(org[a-z.]+)=\"([^\"]*)\"")]
    private static partial Regex Label();
}

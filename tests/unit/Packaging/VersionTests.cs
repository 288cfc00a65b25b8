using System.Text.RegularExpressions;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Hooks.Operations;

namespace CapiRegistryHook.Unit.Tests.Packaging;

/// <summary>
/// <c>Directory.Build.props</c> has the version, and every other file that names it agrees; UPDATE_GOLDEN=1 writes it into them.
/// 1.2.3 stands for any version.
/// </summary>
public sealed partial class VersionTests
{
    private const string Placeholder = "1.2.3";

    /// <summary>Where the version stands, as the text around it.</summary>
    private static readonly Regex[] Mentions =
    [
        // Charts, and charts that have one of them as a dependency.
        InChart(), InAppVersion(), InDependency(),
        // The image, its layout, and the archives of charts.
        InImage(), InLayout(), InArchive(), InChartReference(), InChartPull(), InDockerfile(),
        // A folder of clusterctl's, and the sources of GitOps tools.
        InProviderFolder(), InRelease(), InSource(),
    ];

    [Fact]
    public void Files_ThatNameTheVersion_AgreeWithTheBuild()
    {
        var wrong = new List<string>();
        foreach (var file in Files())
        {
            var text = File.ReadAllText(file);
            var found = Mentions.SelectMany(mention => mention.Matches(text)).Where(match => !IsRight(match)).ToList();
            if (found.Count > 0 && Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
                File.WriteAllText(file, Mentions.Aggregate(text, (now, mention) => mention.Replace(now, Correct)));
            else
                wrong.AddRange(found.Select(match => $"{Path.GetRelativePath(RepositoryRoot.Find(), file)}: {match.Value}"));
        }

        Assert.True(wrong.Count == 0, $"The version is {ServiceVersion.Text}; UPDATE_GOLDEN=1 corrects\n{string.Join('\n', wrong)}");
    }

    /// <summary>A text that nobody writes any more would no longer be held to the version.</summary>
    [Fact]
    public void Mentions_EachStandsSomewhere()
    {
        var texts = Files().Select(File.ReadAllText).ToList();
        Assert.All(Mentions, mention => Assert.Contains(texts, mention.IsMatch));
    }

    /// <summary>Tests take the version from the build, so that a release changes none of them.</summary>
    [Fact]
    public void EndToEndTests_NameNothingByTheVersion()
    {
        var tests = Path.Combine(RepositoryRoot.Find(), "tests");
        var files = new[] { "e2e", "harness" }.SelectMany(
            folder => Directory.GetFiles(Path.Combine(tests, folder), "*.cs", SearchOption.AllDirectories)).ToList();
        Assert.NotEmpty(files);
        Assert.Empty(files.Where(file => File.ReadAllText(file) is var text && Mentions.Any(mention => mention.Matches(text)
            .Any(match => match.Groups["version"].Value == ServiceVersion.Text))).Select(file => Path.GetRelativePath(tests, file)));
    }

    private static bool IsRight(Match match) => match.Groups["version"].Value is var version
        && (version == ServiceVersion.Text || version == Placeholder);

    private static string Correct(Match match) => IsRight(match) ? match.Value
        : match.Value.Replace(match.Groups["version"].Value, ServiceVersion.Text, StringComparison.Ordinal);

    /// <summary>What people read or deploy. The changelog and decisions speak of the past.</summary>
    private static IEnumerable<string> Files()
    {
        var root = RepositoryRoot.Find();
        return new[] { "charts", "docs" }.SelectMany(
                folder => Directory.GetFiles(Path.Combine(root, folder), "*", SearchOption.AllDirectories))
            .Where(file => Path.GetExtension(file) is ".md" or ".yaml" or ".sh" or ".tpl"
                && !file.StartsWith(Path.Combine(root, "docs", "decisions"), StringComparison.Ordinal))
            .Append(Path.Combine(root, "README.md")).Append(Path.Combine(root, "Dockerfile"));
    }

    private const string Version = @"(?<version>[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]*[0-9A-Za-z])?)";

    [GeneratedRegex($@"^apiVersion: v2\nname: [a-z-]+\n(.*\n)*?version: {Version}$", RegexOptions.Multiline)]
    private static partial Regex InChart();

    [GeneratedRegex($"^name: capi-registry-hook\n(.*\n)*?appVersion: \"{Version}\"$", RegexOptions.Multiline)]
    private static partial Regex InAppVersion();

    [GeneratedRegex($@"^ +- name: (capi-registry-hook|registry)\n +version: {Version}$", RegexOptions.Multiline)]
    private static partial Regex InDependency();

    [GeneratedRegex($"capi-registry-hook:{Version}")]
    private static partial Regex InImage();

    [GeneratedRegex($"image/layout:{Version}")]
    private static partial Regex InLayout();

    [GeneratedRegex($@"(capi-registry-hook|registry)-{Version}\.tgz")]
    private static partial Regex InArchive();

    [GeneratedRegex($"charts/registry:{Version}")]
    private static partial Regex InChartReference();

    [GeneratedRegex($"charts/(capi-registry-hook|registry) --version {Version}")]
    private static partial Regex InChartPull();

    [GeneratedRegex($"VERSION={Version}")]
    private static partial Regex InDockerfile();

    [GeneratedRegex($"runtime-extension-capi-registry-hook/v{Version}/")]
    private static partial Regex InProviderFolder();

    [GeneratedRegex($@"chart: (capi-registry-hook|registry)\n +(version|targetRevision): {Version}$", RegexOptions.Multiline)]
    private static partial Regex InRelease();

    [GeneratedRegex($@"/charts/(capi-registry-hook|registry)\n +ref:\n +tag: {Version}$", RegexOptions.Multiline)]
    private static partial Regex InSource();
}

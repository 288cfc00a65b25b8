using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Cli.Options;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Charts;

namespace CapiRegistryHook.Unit.Tests.Charts;

/// <summary>What every chart of this repository keeps to; UPDATE_GOLDEN=1 writes tables and descriptions anew.</summary>
public sealed class ChartFilesTests
{
    private static bool Update => Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1";

    public static TheoryData<string> Charts => [.. ChartFolder.Names()];

    [Theory]
    [MemberData(nameof(Charts))]
    public void Values_EachOne_IsDocumentedAndUsedAndInTheSchema(string name)
    {
        var chart = ChartFolder.Open(name);
        var templates = new ChartTemplates(chart.Templates);
        var schema = Schema(chart);

        Assert.Empty(chart.Values.Problems);
        Assert.NotEmpty(chart.Values.Values);
        Assert.Empty(chart.Values.Values.Where(value => !templates.Uses(value.Path)).Select(value => value.Path));
        Assert.Empty(chart.Values.Values.Where(value => schema.TypeOf(value.Path) is null).Select(value => value.Path));
    }

    [Theory]
    [MemberData(nameof(Charts))]
    public void Templates_EveryValueTheyName_IsDeclared(string name)
    {
        var chart = ChartFolder.Open(name);

        Assert.DoesNotContain(new ChartTemplates(chart.Templates).References(), reference => !chart.Values.Declares(reference));
    }

    [Theory]
    [MemberData(nameof(Charts))]
    public void Templates_Always_GiveTheSameAndKeepTheirNames(string name)
    {
        var templates = new ChartTemplates(ChartFolder.Open(name).Templates);

        Assert.Empty(templates.UnstableCalls());
        Assert.Empty(templates.UnprefixedPartials(name));
    }

    [Theory]
    [MemberData(nameof(Charts))]
    public void Schema_EveryObject_RefusesWhatItDoesNotKnow(string name) =>
        // Charts that share a parent get each other's globals.
        Assert.Equal(["(root).global"], Schema(ChartFolder.Open(name)).OpenObjects());

    [Theory]
    [MemberData(nameof(Charts))]
    public void Schema_DescriptionsAndRequiredValues_FollowTheValues(string name)
    {
        var chart = ChartFolder.Open(name);

        var schema = Schema(chart);
        if (name == "capi-registry-hook")
            schema = schema.WithProperties("options", OptionSchema.Write(chart.Templates));

        AssertGolden(chart.File("values.schema.json"), schema.Completed(chart.Values));
    }

    /// <summary>An option that can't be given by a value of its own can be given by the value options, and none in both ways.</summary>
    [Fact]
    public void Options_EachOne_IsAValueOfTheChart()
    {
        // What prunes has arguments of its own; the end-to-end tests hand them to the program.
        var templates = ChartFolder.Open("capi-registry-hook").Templates.Where(
            template => !template.Contains("capi-registry-hook.pruneArguments", StringComparison.Ordinal)).ToList();

        Assert.Equal(
            OptionList.All.Concat(SyncOptionGroup.Options).Select(option => option.Name).Distinct().Order(StringComparer.Ordinal),
            OptionSchema.SetByTemplates(templates)
                .Concat(OptionSchema.FreeOptions(templates).Select(option => option.Name)).Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Charts))]
    public void Readme_Table_FollowsTheValues(string name)
    {
        var chart = ChartFolder.Open(name);
        var readme = File.ReadAllText(chart.File("README.md"));

        AssertGolden(chart.File("README.md"), ChartReadme.WithTable(readme, chart.Values.Values, Schema(chart)));
    }

    /// <summary>
    /// Every default image is in the annotation that makes of bundles for sites without internet read, and nothing else is.
    /// </summary>
    [Theory]
    [MemberData(nameof(Charts))]
    public void Metadata_Images_AreThoseOfTheValues(string name)
    {
        var chart = ChartFolder.Open(name);
        var defaults = chart.Values.Values.ToDictionary(value => value.Path, value => (string?)(value.Default as JsonValue)?.ToString());
        var images = defaults.Keys.Where(path => path == "image.registry" || path.EndsWith(".image.registry", StringComparison.Ordinal))
            .Select(path => path[..^".registry".Length])
            .Select(path => $"{defaults[path + ".registry"]}/{defaults[path + ".repository"]}:"
                + (defaults[path + ".tag"] is { Length: > 0 } tag ? tag : (string)chart.Metadata["appVersion"]!));

        var annotation = (string)chart.Metadata["annotations"]!["artifacthub.io/images"]!;
        var listed = YamlJson.ReadAll(new StringReader("images:\n" + annotation)).Single()["images"]!.AsArray();

        Assert.Equal(images.Order(StringComparer.Ordinal), listed.Select(image => (string)image!["image"]!).Order(StringComparer.Ordinal));
    }

    /// <summary>The icon has to be a URL; this one needs no server.</summary>
    [Theory]
    [MemberData(nameof(Charts))]
    public void Metadata_Icon_IsTheFileOfTheDocumentation(string name)
    {
        const string Scheme = "data:image/svg+xml;base64,";
        var chart = ChartFolder.Open(name);
        var icon = (string)chart.Metadata["icon"]!;

        Assert.StartsWith(Scheme, icon, StringComparison.Ordinal);
        Assert.Equal(
            File.ReadAllText(Path.Combine(RepositoryRoot.Find(), "docs", "icons", $"{name}.svg")).TrimEnd(),
            Encoding.UTF8.GetString(Convert.FromBase64String(icon[Scheme.Length..])));
    }

    private static ChartSchema Schema(ChartFolder chart) => ChartSchema.Read(File.ReadAllText(chart.File("values.schema.json")));

    private static void AssertGolden(string path, string wanted)
    {
        if (Update)
            File.WriteAllText(path, wanted);

        Assert.Equal(wanted, File.ReadAllText(path));
    }
}

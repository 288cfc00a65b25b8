using CapiRegistryHook.Harness.Charts;

namespace CapiRegistryHook.Unit.Tests.Charts;

/// <summary>The checks of charts, on small charts with known faults.</summary>
public sealed class ChartReadingTests
{
    private const string Values = """
        # What it is.

        # -- How many.
        # One is enough for most.
        replicas: 2
        image:
          # -- Where it comes from.
          repository: a/b
          # -- Labels.
          labels: {a: b}
        """;

    [Fact]
    public void Read_CommentedValues_HavePathDescriptionAndDefault()
    {
        var file = ValuesFile.Read(Values);

        Assert.Empty(file.Problems);
        Assert.Equal(["replicas", "image.repository", "image.labels"], file.Values.Select(value => value.Path));
        Assert.Equal("How many. One is enough for most.", file.Values[0].Description);
        Assert.Equal("""{"a":"b"}""", file.Values[2].Default!.ToJsonString());
    }

    [Fact]
    public void Read_ValueWithoutComment_IsAProblem()
    {
        var file = ValuesFile.Read(Values + "\n  tag: x\nempty: {}\n");

        Assert.Equal(["Line 11: image.tag has no comment that starts with \"# --\".",
            "Line 12: empty has no comment that starts with \"# --\"."], file.Problems);
    }

    [Fact]
    public void Read_CommentInsideADocumentedMap_IsAProblem()
    {
        var file = ValuesFile.Read("# -- A group.\ngroup:\n  # -- Inside.\n  key: 1\n");

        Assert.StartsWith("2 comments start with", Assert.Single(file.Problems), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{{ .Values.image.repository }}", "image.repository", true)]
    [InlineData("{{ .Values.image.repository }}", "image.labels", false)]
    [InlineData("{{ with .Values.image }}{{ .repository }}{{ end }}", "image.repository", true)]
    [InlineData("{{ with .Values.image }}{{ .repository }}{{ end }}", "image.labels", false)]
    [InlineData("{{ $v := .Values }}{{ $v.image.labels }}", "image.labels", true)]
    [InlineData("{{ .Values.imageRegistry }}", "image", false)]
    public void Uses_Template_FindsWhatItNames(string template, string path, bool used) =>
        Assert.Equal(used, new ChartTemplates([template]).Uses(path));

    [Fact]
    public void References_UnknownPath_IsNotDeclared()
    {
        var references = new ChartTemplates(["{{ .Values.replicas }} {{ .Values.image.labels.a }} {{ .Values.image.tag }}"]).References();

        Assert.Equal(["image.tag"], references.Where(reference => !ValuesFile.Read(Values).Declares(reference)));
    }

    [Fact]
    public void UnstableCalls_RandomText_IsFound()
    {
        var templates = new ChartTemplates(
            ["{{ randAlphaNum 8 }} {{ (lookup \"v1\" \"Secret\" \"\" \"\").items }} {{ include \"chart.now\" . }}"]);

        Assert.Equal(2, templates.UnstableCalls().Count());
    }

    [Fact]
    public void OpenObjects_PropertiesThatLetOthersThrough_AreFound()
    {
        var schema = ChartSchema.Read(
            """{"properties": {"a": {"properties": {}, "additionalProperties": false}, "b": {"properties": {}}}, "additionalProperties": false}""");

        Assert.Equal(["(root).b"], schema.OpenObjects());
    }

    [Fact]
    public void Completed_Schema_HasCommentsAndRequiresWhatIsNotEmpty()
    {
        var schema = ChartSchema.Read(
            """{"required": ["gone"], "properties": {"replicas": {}, "image": {"properties": {"repository": {}, "labels": {}}}}}""");
        var file = ValuesFile.Read("# -- How many.\nreplicas: 0\nimage:\n  # -- Where.\n  repository: a\n  # -- Which.\n  tag: \"\"\n");

        Assert.Equal(
            """{"required":["replicas","image"],"properties":{"replicas":{"description":"How many."},"image":{"required":["repository"],"properties":{"repository":{"description":"Where."},"labels":{}}}}}""",
            System.Text.Json.Nodes.JsonNode.Parse(schema.Completed(file))!.ToJsonString());
    }

    [Fact]
    public void WithTable_OldTable_IsReplaced()
    {
        var schema = ChartSchema.Read("""{"properties": {"replicas": {"type": ["integer", "string"]}}}""");
        var readme = $"Before\n\n{ChartReadme.Begin}\n\nold\n{ChartReadme.End}\nAfter\n";

        var written = ChartReadme.WithTable(readme, ValuesFile.Read("# -- One | two.\nreplicas: 2\n").Values, schema);

        Assert.Equal(
            $"Before\n\n{ChartReadme.Begin}\n\n| value | type | default | what it decides |\n|---|---|---|---|\n| `replicas` | "
                + $"integer or string | `2` | One \\| two. |\n\n{ChartReadme.End}\nAfter\n", written);
    }
}

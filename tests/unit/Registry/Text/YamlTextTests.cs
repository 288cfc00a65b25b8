using System.Text.Json.Nodes;
using CapiRegistryHook.Registry.Text;
using YamlDotNet.RepresentationModel;

namespace CapiRegistryHook.Unit.Tests.Registry.Text;

public sealed class YamlTextTests
{
    [Theory]
    [InlineData("plain")]
    [InlineData("no")]
    [InlineData("1e3")]
    [InlineData("12345678e12345")]
    [InlineData("0x1F")]
    [InlineData("")]
    [InlineData(" leading and trailing ")]
    [InlineData("quote \" backslash \\ tab \t")]
    [InlineData("two\nlines\n")]
    [InlineData("two\nlines")]
    [InlineData("{{ .Cluster }} }} {{{ \"{{\" }}")]
    [InlineData("snow \u2603 and \U0001F600")]
    public void Write_AnyString_ReadsBackAsTheSameString(string value)
    {
        var yaml = YamlText.Write(new JsonObject { ["key"] = value });

        Assert.Equal(value, ReadScalar(yaml));
        Assert.Equal(value, (string?)YamlToJson.Convert(Read(yaml))!["key"]);
    }

    [Theory]
    [InlineData("{{ .Values.secret }}")]
    [InlineData("a {{- define \"x\" -}} b")]
    [InlineData("{{{{")]
    [InlineData("}}{{")]
    public void WriteTemplate_BracesFromUsers_ComeOutOfTheTemplateAsTheyWere(string value)
    {
        var data = new JsonObject { ["key"] = value };

        var template = YamlText.WriteTemplate(data);

        // The only action left in the text is the one that prints two braces; what a Go template makes of it is this.
        Assert.DoesNotContain("{{", template.Replace("{{ \"{{\" }}", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Equal(YamlText.Write(data), template.Replace("{{ \"{{\" }}", "{{", StringComparison.Ordinal));
    }

    [Fact]
    public void Write_Structure_KeepsOrderAndTypes()
    {
        var yaml = YamlText.Write(new JsonObject
        {
            ["b"] = 1, ["a"] = true, ["none"] = null, ["list"] = new JsonArray("x", 2), ["empty"] = new JsonObject(),
            ["nothing"] = new JsonArray(),
        });

        Assert.Equal("b: 1\na: true\nnone: null\nlist:\n- \"x\"\n- 2\nempty: {}\nnothing: []\n", yaml);
    }

    private static string? ReadScalar(string yaml) => ((YamlScalarNode)Read(yaml).Children[new YamlScalarNode("key")]).Value;

    private static YamlMappingNode Read(string yaml)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(yaml));
        return (YamlMappingNode)stream.Documents[0].RootNode;
    }
}

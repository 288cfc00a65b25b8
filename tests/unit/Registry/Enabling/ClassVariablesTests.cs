using System.Text.Json;
using System.Text.Json.Nodes;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Enabling;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Settings;

namespace CapiRegistryHook.Unit.Tests.Registry.Enabling;

/// <summary>Which ClusterClasses have the variable.</summary>
public sealed class ClassVariablesTests
{
    private static readonly VariableLocation Location = new("clusterConfig", "addons.registry");

    [Fact]
    public void Evaluate_OwnSchema_IsPresent() => Assert.Equal(ClassSupport.Present, Evaluate(Own()));

    [Fact]
    public void Evaluate_OtherVariable_IsAbsent() => Assert.Equal(ClassSupport.Absent, Evaluate(Own(), name: "other"));

    [Fact]
    public void Evaluate_ConflictingDefinitions_IsAbsent() => Assert.Equal(ClassSupport.Absent, Evaluate(Own(), conflict: true));

    [Fact]
    public void Evaluate_SecondDefinitionWithoutTheField_IsAbsent() =>
        Assert.Equal(ClassSupport.Absent, Evaluate([Own(), Schema("""{"type":"object"}""")]));

    /// <summary>An empty object would be refused, or would request another product's registry.</summary>
    [Theory]
    [InlineData("""{"type":"object","properties":{"provider":{"type":"string"}}}""")]
    [InlineData("""{"type":"object","properties":{"replicas":{},"somethingElse":{}}}""")]
    [InlineData("""{"type":"object","properties":{"replicas":{}},"required":["replicas"]}""")]
    [InlineData("""{"type":"object"}""")]
    [InlineData("""{"type":"object","x-kubernetes-preserve-unknown-fields":true}""")]
    [InlineData("""{"type":"object","properties":[]}""")]
    [InlineData("true")]
    public void Evaluate_OtherSettingsAtThePath_IsAbsent(string settings) => Assert.Equal(
        ClassSupport.Absent,
        Evaluate(Schema($$"""{"properties":{"addons":{"properties":{"registry": {{settings}} } } } }""")));

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"properties":{"addons":null}}""")]
    [InlineData("null")]
    [InlineData("7")]
    public void Evaluate_AnySchemaWithoutThePath_IsAbsent(string schema) => Assert.Equal(ClassSupport.Absent, Evaluate(Schema(schema)));

    [Fact]
    public void Evaluate_NotReconciledYet_IsUnknown()
    {
        var fresh = new ClusterClass { Metadata = new ObjectMeta { Generation = 2 } };

        Assert.Equal(ClassSupport.Unknown, ClassVariables.Evaluate(fresh, Location));
        Assert.Equal(ClassSupport.Unknown, ClassVariables.Evaluate(fresh with { Status = new ClusterClassStatus(null, 1) }, Location));
        Assert.Equal(ClassSupport.Absent, ClassVariables.Evaluate(fresh with { Status = new ClusterClassStatus(null, 2) }, Location));
    }

    private static ClassSupport Evaluate(ClassVariable definition, string name = "clusterConfig", bool? conflict = null) =>
        Evaluate([definition], name, conflict);

    private static ClassSupport Evaluate(ClassVariable[] definitions, string name = "clusterConfig", bool? conflict = null) =>
        ClassVariables.Evaluate(
            new ClusterClass
            {
                Metadata = new ObjectMeta { Generation = 1 },
                Status = new ClusterClassStatus([new ClassStatusVariable(name, conflict, definitions)], 1),
            },
            Location);

    private static ClassVariable Own() =>
        new(null, new ClassVariableSchema(Element(VariableSchema.Write(Location)["schema"]!["openAPIV3Schema"]!)));

    private static ClassVariable Schema(string json) => new(null, new ClassVariableSchema(JsonElement.Parse(json)));

    private static JsonElement Element(JsonNode node) => JsonElement.Parse(node.ToJsonString());
}

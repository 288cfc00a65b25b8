using System.Text.Json.Nodes;
using CapiRegistryHook.Registry.Chart;

namespace CapiRegistryHook.Unit.Tests.Registry.Chart;

public sealed class ValueSchemaTests
{
    [Theory]
    [InlineData("""{"type":"integer"}""", "3", "")]
    [InlineData("""{"type":"integer"}""", "3.0", "")]
    [InlineData("""{"type":"integer"}""", "3.5", "must be of type integer")]
    [InlineData("""{"type":"integer"}""", "\"3\"", "must be of type integer")]
    [InlineData("""{"type":["string","null"]}""", "null", "")]
    [InlineData("""{"type":["string","integer"]}""", "true", "must be of type string or integer")]
    [InlineData("""{"enum":["pvc","s3",null]}""", "\"s3\"", "")]
    [InlineData("""{"enum":["pvc","s3"]}""", "\"nfs\"", "must be one of pvc, s3")]
    [InlineData("""{"const":true}""", "false", "must be true")]
    [InlineData("""{"minimum":1,"maximum":9}""", "0", "must be at least 1")]
    [InlineData("""{"minimum":1,"maximum":9}""", "10", "must be at most 9")]
    [InlineData("""{"minimum":1,"maximum":9}""", "9", "")]
    [InlineData("""{"exclusiveMinimum":0}""", "0", "must be more than 0")]
    [InlineData("""{"exclusiveMaximum":5}""", "5", "must be less than 5")]
    [InlineData("""{"minLength":1}""", "\"\"", "must have at least 1 characters")]
    [InlineData("""{"maxLength":1}""", "\"😀\"", "")]
    [InlineData("""{"maxLength":1}""", "\"ab\"", "must have at most 1 characters")]
    [InlineData("""{"pattern":"^[0-9]+Gi$"}""", "\"50Gi\"", "")]
    [InlineData("""{"pattern":"^[0-9]+Gi$"}""", "\"50 Gi\"", "must match ^[0-9]+Gi$")]
    [InlineData("""{"minItems":1}""", "[]", "must have at least 1 items")]
    [InlineData("""{"maxItems":1}""", "[1,2]", "must have at most 1 items")]
    [InlineData("""{"uniqueItems":true}""", "[{\"a\":1},{\"a\":1}]", "must not hold an item twice")]
    [InlineData("""{"uniqueItems":true}""", "[1,2]", "")]
    [InlineData("""{"minProperties":1}""", "{}", "must have at least 1 entries")]
    [InlineData("""{"anyOf":[{"type":"integer"},{"type":"string"}]}""", "true", "must be of type integer or string")]
    [InlineData("""{"oneOf":[{"minimum":1},{"maximum":5}]}""", "3", "must fit exactly one of the forms that the chart knows")]
    [InlineData("""{"oneOf":[{"minimum":1},{"maximum":5}]}""", "7", "")]
    [InlineData("""{"not":{"const":1}}""", "1", "has a form that the chart refuses")]
    [InlineData("""{"not":{"const":1},"description":"must not be 1"}""", "1", "must not be 1")]
    [InlineData("""{"$ref":"#/definitions/port","definitions":{"port":{"maximum":65535}},"type":"string"}""", "70000",
        "must be at most 65535")]
    [InlineData("""{"if":{"type":"string"},"then":{"minLength":2},"else":{"minimum":10}}""", "\"a\"", "must have at least 2 characters")]
    [InlineData("""{"if":{"type":"string"},"then":{"minLength":2},"else":{"minimum":10}}""", "9", "must be at least 10")]
    [InlineData("""{"if":{"type":"string"},"then":{"minLength":2}}""", "9", "")]
    [InlineData("""{"allOf":[{"minimum":10},{"maximum":5}]}""", "7", "must be at least 10|must be at most 5")]
    public void Validate_OneRule_SaysWhatIsBroken(string schema, string value, string rules) =>
        Assert.Equal(rules, string.Join('|', ValueSchema.Read(schema).Validate(JsonNode.Parse(value)).Select(violation => violation.Rule)));

    [Theory]
    [InlineData("""{"storage":{"size":"1Gi","sise":"1Gi"}}""", "storage.sise is not a value of the chart")]
    [InlineData("""{"storage":{"size":5}}""", "storage.size must be of type string")]
    [InlineData("""{"storage":{}}""", "storage.size must be given")]
    [InlineData("""{"extra":{"x-a":1,"b":2}}""", "extra.b is not a value of the chart|extra.x-a must be of type string")]
    [InlineData("""{"list":["a",1]}""", "list[1] must be of type string")]
    [InlineData("""{"names":{"BAD":1}}""", "names.BAD is a name that the chart does not accept")]
    [InlineData("""{"zeta":1,"alpha":1}""", "alpha is not a value of the chart|zeta is not a value of the chart")]
    public void Validate_Deep_NamesThePath(string value, string violations)
    {
        var schema = ValueSchema.Read("""
            { "type": "object", "additionalProperties": false, "properties": {
                "storage": { "type": "object", "additionalProperties": false, "required": ["size"], "properties": { "size": { "type": "string" } } },
                "extra": { "patternProperties": { "^x-": { "type": "string" } }, "additionalProperties": false },
                "names": { "propertyNames": { "pattern": "^[a-z]+$" } },
                "list": { "items": { "type": "string" } } } }
            """);

        Assert.Equal(
            violations, string.Join('|', schema.Validate(JsonNode.Parse(value)).Select(violation => $"{violation.Path} {violation.Rule}")));
    }

    [Theory]
    [InlineData("""{"contains":{"const":1}}""")]
    [InlineData("""{"properties":{"a":{"dependencies":{}}}}""")]
    [InlineData("""{"allOf":[{"multipleOf":2}]}""")]
    [InlineData("""{"items":[{"type":"string"}]}""")]
    [InlineData("""{"additionalProperties":null}""")]
    [InlineData("[]")]
    public void Read_WhatIsNotUnderstood_IsRefused(string schema) =>
        Assert.Throws<NotSupportedException>(() => ValueSchema.Read(schema));
}

using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CapiRegistryHook.Cli.Options;

namespace CapiRegistryHook.Unit.Tests.Charts;

/// <summary>The schema of the value <c>options</c> of the service's chart, made from the declarations of the options.</summary>
internal static partial class OptionSchema
{
    private const string Duration = "^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$";
    private const string ListItem = "^[^,\\s]+$";

    /// <summary>The options that the chart sets by values of their own, because other objects depend on them.</summary>
    public static IReadOnlyList<string> SetByTemplates(IEnumerable<string> templates) =>
        [.. templates.SelectMany(template => Argument().Matches(template)).Select(match => match.Groups[1].Value).Distinct()];

    /// <summary>All others.</summary>
    public static IReadOnlyList<ServiceOption> FreeOptions(IEnumerable<string> templates)
    {
        var taken = SetByTemplates(templates);
        return [.. OptionList.All.Where(option => !taken.Contains(option.Name))];
    }

    public static JsonObject Write(IEnumerable<string> templates) =>
        new(FreeOptions(templates).Select(option => KeyValuePair.Create<string, JsonNode?>(option.FileKey, Write(option))));

    private static JsonObject Write(ServiceOption option)
    {
        var schema = option.Values switch
        {
            NumberValues number => new JsonObject { ["type"] = "integer", ["minimum"] = number.Least, ["maximum"] = number.Most },
            DurationValues => new JsonObject { ["type"] = "string", ["pattern"] = Duration, ["minLength"] = 2 },
            WordValues words => new JsonObject { ["type"] = "string", ["enum"] = Strings(words.Words) },
            ListValues => new JsonObject
            {
                ["type"] = "array",
                ["uniqueItems"] = true,
                ["items"] = new JsonObject { ["type"] = "string", ["pattern"] = ListItem },
            },
            _ => new JsonObject { ["type"] = "string" },
        };
        schema["description"] = option.Help;
        return schema;
    }

    private static JsonArray Strings(IEnumerable<string> words) => [.. words.Select(word => JsonValue.Create(word))];

    [GeneratedRegex("^- (?:{{ printf \")?--([a-z-]+)=", RegexOptions.Multiline)]
    private static partial Regex Argument();
}

using System.CommandLine;
using CapiRegistryHook.Cli.Options;
using CapiRegistryHook.Hooks.Handlers;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>
/// Prints what to put into a ClusterClass that defines the variable itself. Such a class can't use DiscoverVariables: Cluster API refuses
/// two definitions of one variable.
/// </summary>
internal static class SchemaCommand
{
    private static readonly string[] ApiVersions = ["v1beta2", "v1beta1"];
    private static readonly string[] Parts = ["clusterclass", "settings"];

    public static Command Build()
    {
        var apiVersion = Word("--api-version", "API version of the ClusterClass", ApiVersions);
        var part = Word(
            "--part", "clusterclass: variable and patch of a ClusterClass; settings: the schema below --variable-path alone", Parts);
        var extension = new Option<string>("--extension-config")
        {
            Description = "Name of the ExtensionConfig by which the patch refers to its handlers.",
            DefaultValueFactory = _ => "capi-registry-hook",
        };
        var command = new Command("schema", "Print the variable's schema, for a ClusterClass that defines the variable itself.")
        {
            apiVersion, part, extension,
        };
        command.Bind(RegistryOptionGroup.Variable, (reader, result) => Task.FromResult(
            Run(reader, result.GetValue(apiVersion)!, result.GetValue(part)!, result.GetValue(extension)!)));
        return command;
    }

    private static int Run(OptionReader reader, string apiVersion, string part, string extension)
    {
        var registry = RegistryOptionGroup.Read(reader);
        Check(reader, "api-version", apiVersion, ApiVersions);
        Check(reader, "part", part, Parts);
        if (reader.Problems.Count > 0)
            return ExitCode.Refuse(reader.Problems);
        Console.Out.Write(part == Parts[1]
            ? ClusterClassExcerpt.WriteSettings()
            : ClusterClassExcerpt.Write(registry, apiVersion, extension));
        return ExitCode.Success;
    }

    private static Option<string> Word(string name, string description, string[] words) => new(name)
    {
        Description = $"{description}. [{string.Join(" or ", words)}]",
        DefaultValueFactory = _ => words[0],
    };

    private static void Check(OptionReader reader, string name, string value, string[] words)
    {
        if (!words.Contains(value))
            reader.Refuse(name, $"has the value \"{value}\"; use {string.Join(" or ", words)}.");
    }
}

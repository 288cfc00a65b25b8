using System.Collections;
using CapiRegistryHook.Registry.Text;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace CapiRegistryHook.Cli.Options;

/// <summary>A value with the words that say where it was set.</summary>
internal readonly record struct SourcedText(string Value, string Source);

/// <summary>Collects the values of options: a flag wins over the environment, that wins over the options file.</summary>
internal static class OptionSources
{
    public static Dictionary<string, SourcedText> Merge(
        IReadOnlyDictionary<string, string> flags, IDictionary environment, IReadOnlyList<ServiceOption> known,
        ICollection<string> problems)
    {
        var set = new Dictionary<string, SourcedText>(StringComparer.Ordinal);
        var fromEnvironment = ReadEnvironment(environment, [.. known, OptionList.Config], problems);
        var file = flags.GetValueOrDefault(OptionList.ConfigFile)
            ?? (fromEnvironment.TryGetValue(OptionList.ConfigFile, out var config) ? config.Value : null);
        if (file is not null)
            ReadFile(file, known, set, problems);
        foreach (var (name, text) in fromEnvironment)
            set[name] = text;
        foreach (var (name, value) in flags)
            set[name] = new SourcedText(value, "--" + name);
        return set;
    }

    private static Dictionary<string, SourcedText> ReadEnvironment(
        IDictionary environment, IReadOnlyList<ServiceOption> known, ICollection<string> problems)
    {
        var set = new Dictionary<string, SourcedText>(StringComparer.Ordinal);
        foreach (var name in environment.Keys.Cast<string>().Where(IsOurs).Order(StringComparer.Ordinal))
        {
            if (known.FirstOrDefault(option => option.Environment == name) is { } option)
                set[option.Name] = new SourcedText((string)environment[name]!, name);
            else if (!IsKnownAnywhere(name))
                problems.Add($"The environment variable {name} is not an option of this service.");
        }

        return set;
    }

    private static bool IsOurs(string name) => name.StartsWith(ServiceOption.EnvironmentPrefix, StringComparison.Ordinal);

    /// <summary>The plan command runs with the environment of the service and leaves alone what it has no use for.</summary>
    private static bool IsKnownAnywhere(string name) =>
        OptionList.All.Any(option => option.Environment == name);

    private static void ReadFile(
        string path, IReadOnlyList<ServiceOption> known, Dictionary<string, SourcedText> set, ICollection<string> problems)
    {
        try
        {
            using var reader = File.OpenText(path);
            var documents = BoundedYaml.Load(BoundedYaml.ReadText(reader));
            if (documents.Count == 0)
                return;
            if (documents is not [YamlMappingNode map])
                throw new InvalidDataException();
            ReadKeys(path, map, known, set, problems);
        }
        catch (Exception exception)
            when (exception is IOException or InvalidDataException or UnauthorizedAccessException or ArgumentException or YamlException)
        {
            problems.Add(
                $"The options file {path} can't be read: it must be one YAML document with a key per option, at most 1 Mi characters "
                    + "long.");
        }
    }

    private static void ReadKeys(
        string path, YamlMappingNode map, IReadOnlyList<ServiceOption> known, Dictionary<string, SourcedText> set,
        ICollection<string> problems)
    {
        var all = OptionList.All;
        foreach (var (key, value) in map.Children)
        {
            var name = (key as YamlScalarNode)?.Value ?? "";
            var source = $"{name} in {path}";
            if (all.FirstOrDefault(option => option.FileKey == name) is not { } option)
                problems.Add($"The key {source} is not an option of this service.");
            else if (value is not YamlScalarNode scalar)
                problems.Add($"The key {source} must be a single value.");
            else if (known.Contains(option))
                set[option.Name] = new SourcedText(scalar.Value ?? "", source);
        }
    }
}

using System.CommandLine;
using CapiRegistryHook.Cli.Options;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Delivery.Targets;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>The options that give a login for the registry that a command is for.</summary>
internal sealed class LoginArguments
{
    private readonly Option<string?> _username = new("--username")
    {
        Description = "User of the registry, with --password-stdin. [default: a cluster's generated login, or the one in "
            + "~/.docker/config.json under HOST or NAMESPACE/NAME]",
    };

    private readonly Option<bool> _password = new(
        "--password-stdin") { Description = "Read the password of --username from standard input." };

    public void AddTo(Command command)
    {
        command.Options.Add(_username);
        command.Options.Add(_password);
    }

    /// <summary>Whether the options are used at all.</summary>
    public bool IsGiven(ParseResult result) => result.GetValue(_username) is not null || result.GetValue(_password);

    /// <summary>The login that was given, and those that people have; null when they can't be used, which the reader's problems
    /// say. Standard input is read last, and only when nothing else is wrong.</summary>
    public TargetLogins? Read(OptionReader reader, ParseResult result, TimeProvider time)
    {
        if ((result.GetValue(_username) is null) == result.GetValue(_password))
            reader.Refuse("username", "and --password-stdin belong together; set both or neither.");
        return Read(reader, result.GetValue(_username), time);
    }

    /// <summary>The logins that people have, and the one that was given; null for none.</summary>
    public static TargetLogins? Read(OptionReader reader, string? given, TimeProvider time)
    {
        try
        {
            var known = DockerConfig.Read(DockerConfig.DefaultPath, time);
            var login = given is not null && reader.Problems.Count == 0
                ? new Login(given, Console.In.ReadLine() ?? "") : null;
            return new TargetLogins(login, known);
        }
        catch (ContentException exception)
        {
            reader.Refuse("username", $"is not set, and {exception.Message}");
            return null;
        }
    }
}

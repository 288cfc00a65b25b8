namespace CapiRegistryHook.Cli.Commands;

/// <summary>
/// The name that the program was called by. The same file also works as a plugin: <c>clusterctl-registry</c> on the path becomes
/// <c>clusterctl registry</c>, and <c>kubectl-capi_registry</c> becomes <c>kubectl capi-registry</c>.
/// </summary>
/// <param name="Invocation">What a person types.</param>
/// <param name="IsPlugin">Whether another program calls this one; then there is no service to run without being told to.</param>
internal sealed record ProgramName(string Invocation, bool IsPlugin)
{
    private static readonly string[] Hosts = ["clusterctl", "kubectl"];

    /// <summary>From the system, because the runtime resolves links and then names the file.</summary>
    public static ProgramName Current
    {
        get
        {
            const string CommandLine = "/proc/self/cmdline";
            return Of(File.Exists(CommandLine) ? File.ReadAllText(CommandLine).Split('\0')[0] : Environment.GetCommandLineArgs()[0]);
        }
    }

    /// <summary>The name for the first word of a command line.</summary>
    public static ProgramName Of(string path)
    {
        var file = Path.GetFileName(path);
        var host = Array.Find(Hosts, host => file.StartsWith(host + "-", StringComparison.Ordinal));
        return host is null
            ? new ProgramName(file, IsPlugin: false)
            : new ProgramName($"{host} {file[(host.Length + 1)..].Replace('_', '-')}", IsPlugin: true);
    }

    /// <summary>A help text with this name in its usage line instead of the file's.</summary>
    public string InUsage(string help, string fileName) =>
        help.Replace($"  {fileName} ", $"  {Invocation} ", StringComparison.Ordinal);
}

using System.Diagnostics;
using System.Globalization;
using CapiRegistryHook.Harness;

namespace CapiRegistryHook.EndToEnd.Tests.Cluster;

/// <summary>The commands that a developer uses by hand, on a cluster of this test's own.</summary>
[Collection(OnOneNode.Name)]
public sealed class LocalClusterTests : IAsyncDisposable
{
    private const int NotRunning = 3;

    // Another name than the fixture's: what is looked for afterwards is ours alone.
    private static readonly string Name = $"test-{Environment.ProcessId}-byhand";

    private static readonly EnumerationOptions Deep = new() { RecurseSubdirectories = true, IgnoreInaccessible = true };

    private static readonly string Script = Path.Combine(RepositoryRoot.Find(), "tests", "harness", "Cluster", "cluster.sh");
    private static readonly string State = Path.Combine(Path.GetTempPath(), $"capi-registry-hook-cluster-{Name}");

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Cluster_StartedTwiceAndKilled_LeavesNothingAfterDown()
    {
        var before = Footprint();
        (await RunAsync("up")).OutputOfSuccess();
        var again = await RunAsync("up");
        var status = await RunAsync("status");
        var during = Footprint();
        await KillAsync();
        var killed = await RunAsync("status");
        (await RunAsync("down")).OutputOfSuccess();
        (await RunAsync("down")).OutputOfSuccess();

        Assert.Contains("is running", again.Errors, StringComparison.Ordinal);
        Assert.Contains("node/node", status.OutputOfSuccess(), StringComparison.Ordinal);
        Assert.Equal(NotRunning, killed.ExitCode);
        Assert.NotEqual(before, during);
        Assert.Equal(before, Footprint());
    }

    [Theory]
    [InlineData("up", "No_Good", "'No_Good' is not a name for a cluster")]
    [InlineData("restart", "dev", "'restart' is not a command: use up, down, status, shell, prepare or hold")]
    public async Task Command_Unusable_SaysWhatIsWanted(string command, string name, string sentence)
    {
        var result = await OutsideCommand.RunAsync("/bin/bash", [Script, command, name], CancellationToken);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains(sentence, result.Errors, StringComparison.Ordinal);
    }

    public async ValueTask DisposeAsync() =>
        (await OutsideCommand.RunAsync("/bin/bash", [Script, "down", Name], CancellationToken.None)).OutputOfSuccess();

    private static Task<CommandResult> RunAsync(string command) =>
        OutsideCommand.RunAsync("/bin/bash", [Script, command, Name], CancellationToken);

    // As a crash does: the process that holds everything is gone, and nothing was cleaned up.
    private static async Task KillAsync()
    {
        using var holder = Process.GetProcessById(Assert.Single(Holders()));
        holder.Kill();
        await Polling.UntilAsync("the cluster's end", () => Task.FromResult(Members().Length == 0), () => Members(), CancellationToken);
    }

    private static string Members() => string.Concat(
        GroupsOf($"capi-registry-hook.{Name}")
            .SelectMany(folder => Directory.EnumerateFiles(folder, "cgroup.procs", Deep)).Select(File.ReadAllText));

    private static List<int> Holders() =>
    [
        .. Directory.EnumerateDirectories("/proc").Select(Path.GetFileName)
            .Where(name => int.TryParse(name, out _) && CommandLineOf(name!).Contains($"{State}\0", StringComparison.Ordinal))
            .Select(name => int.Parse(name!, CultureInfo.InvariantCulture)),
    ];

    private static string CommandLineOf(string process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/cmdline");
        }
        catch (IOException)
        {
            return ""; // it has ended meanwhile
        }
    }

    // What a cluster could leave on the machine, and what kubelet would change on it.
    private static IReadOnlyList<string> Footprint()
    {
        string[] settings = ["vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops", "net/ipv4/ip_forward"];
        return
        [
            $"folder: {Directory.Exists(State)}",
            $"processes: {Holders().Count}",
            $"mounts: {File.ReadLines("/proc/mounts").Count(line => line.Contains(State, StringComparison.Ordinal))}",
            $"network: {string.Join(' ', Directory.EnumerateDirectories("/sys/class/net").Where(IsOurs))}",
            $"groups: {string.Join(' ', GroupsOf($"capi-registry-hook.{Name}"))}",
            .. settings.Select(name => $"{name}: {File.ReadAllText($"/proc/sys/{name}")}"),
        ];
    }

    private static bool IsOurs(string device) =>
        File.Exists(Path.Combine(State, "cable")) && File.ReadAllText(Path.Combine(State, "cable")).Trim() == Path.GetFileName(device);

    private static IEnumerable<string> GroupsOf(string name) =>
        Directory.EnumerateDirectories("/sys/fs/cgroup", name, Deep);
}

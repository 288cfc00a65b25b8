namespace CapiRegistryHook.Harness.Browser;

/// <summary>axe-core, fetched once per machine by <c>tests/harness/axe.sh</c>.</summary>
public static class AxeScript
{
    private static readonly Lazy<Task<string>> Fetched =
        new(() => HarnessScript.RunAsync("axe.sh", [], Console.Error, CancellationToken.None));

    /// <summary>The folder that it is in.</summary>
    /// <exception cref="InvalidOperationException">It can't be fetched; the message has the script's words.</exception>
    public static Task<string> FolderAsync() => Fetched.Value;
}

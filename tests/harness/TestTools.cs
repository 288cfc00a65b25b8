using System.Collections.Concurrent;

namespace CapiRegistryHook.Harness;

/// <summary>
/// The outside programs that tests use (Helm, kubectl, skopeo, ...) at known versions, fetched once per machine by
/// <c>tests/harness/tools.sh</c> and kept in a cache folder. Nothing is installed, and nothing on PATH is used.
/// </summary>
public static class TestTools
{
    private static readonly ConcurrentDictionary<string, Lazy<Task<string>>> Paths = new(StringComparer.Ordinal);

    /// <summary>The path of a program. The first call on a machine downloads it; two tests that ask at once share the run.</summary>
    /// <param name="name">A name from <c>tests/harness/tools.sh</c>, for example <c>helm3</c>, <c>kubectl</c> or <c>skopeo</c>.</param>
    /// <exception cref="InvalidOperationException">There is no such tool, or it can't be fetched; the message has the script's
    /// words.</exception>
    public static async Task<string> PathOfAsync(string name)
    {
        var path = Paths.GetOrAdd(name, key => new Lazy<Task<string>>(() => FetchAsync(key)));
        try
        {
            return await path.Value;
        }
        catch
        {
            // The next test asks again instead of being told the same.
            Paths.TryRemove(new KeyValuePair<string, Lazy<Task<string>>>(name, path));
            throw;
        }
    }

    /// <summary>The root file system that Debian's programs were unpacked into: what nodes and images are made of.</summary>
    public static async Task<string> DebianRootAsync()
    {
        var program = await PathOfAsync("busybox");
        return Path.GetFullPath(Path.Combine(Path.GetDirectoryName(program)!, "..", "debian", "root"));
    }

    private static async Task<string> FetchAsync(string name)
    {
        var folder = await HarnessScript.RunAsync("tools.sh", [name], Console.Error, CancellationToken.None);
        return Path.Combine(folder, "bin", name);
    }
}

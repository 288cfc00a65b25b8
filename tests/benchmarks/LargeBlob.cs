using System.Globalization;
using System.Security.Cryptography;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.Benchmarks;

/// <summary>One large blob pushed by the published program, over TLS on loopback: what it holds in memory, and what it writes.</summary>
internal static class LargeBlob
{
    /// <summary>The size of the blob in GiB; 20 when it is not set.</summary>
    private const string Variable = "BENCHMARK_BLOB_GIB";

    private const int DefaultGibibytes = 20;

    /// <summary>What <c>head -c 20G /dev/zero | sha256sum</c> prints.</summary>
    private const string DefaultDigest = "6cb118a8f8b3c19385874297e291dcbcdf3a9837ba1ca7b00ace2491adbff551";

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <exception cref="InvalidOperationException">The push failed, was not complete, or kept a copy on disk.</exception>
    public static async Task PrintAsync(CancellationToken cancellationToken)
    {
        var gibibytes = int.Parse(
            Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } text ? text : $"{DefaultGibibytes}",
            CultureInfo.InvariantCulture);
        await using var folder = ScratchFolder.Create("capi-registry-hook-large-");
        var layout = new LayoutImages(folder["layout"], seed: 1);
        layout.AddZeros("docker.io/test/large:1", (long)gibibytes << 30, DigestOf(gibibytes));
        using var authority = LoopbackAuthority.Create(TimeProvider.System);
        using var certificate = authority.IssueServer();
        await using var registry = await DiscardingRegistry.StartAsync(certificate, cancellationToken);
        folder.Write("ca.crt", authority.CertificatePem);
        Directory.CreateDirectory(folder["temporary"]);

        var started = TimeProvider.System.GetTimestamp();
        await using var push = await ChildProcess.StartCommandAsync("/usr/bin/env", $"TMPDIR={folder["temporary"]}",
            $"DOCKER_CONFIG={folder.Path}", HookService.ProgramPath(), "push", layout.Folder, "--registry", registry.Address.Authority,
            "--ca-file", folder["ca.crt"]);
        var (memory, written) = await WatchAsync(push, folder["temporary"], cancellationToken);
        var took = TimeProvider.System.GetElapsedTime(started);
        if (push.ExitCode != 0 || registry.Received < (long)gibibytes << 30)
            throw new InvalidOperationException(
                $"{registry.Received} bytes arrived: {await push.Errors.ReadToEndAsync(cancellationToken)}");

        Figures.Print($"push of one blob of {gibibytes} GiB, most resident memory", "MiB", [memory / 1024.0], "<= 150");
        Figures.Print($"push of one blob of {gibibytes} GiB, written to disk", "MiB", [written / 1048576.0], "<= 1");
        Figures.Print(
            $"push of one blob of {gibibytes} GiB, to a registry that discards", "MiB/s", [gibibytes * 1024.0 / took.TotalSeconds]);
    }

    /// <summary>The most KiB that were resident, and the bytes that went to storage, as the kernel counts them.</summary>
    private static async Task<(long Memory, long Written)> WatchAsync(
        ChildProcess push, string temporary, CancellationToken cancellationToken)
    {
        var (memory, written) = (0L, 0L);
        while (!push.HasExited)
        {
            memory = Math.Max(memory, Count(push.Id, "status", "VmHWM:"));
            written = Math.Max(written, Count(push.Id, "io", "write_bytes:"));
            if (new DirectoryInfo(temporary).EnumerateFiles("*", SearchOption.AllDirectories)
                .FirstOrDefault(file => file.Length > 0) is { } file)
                throw new InvalidOperationException($"The push keeps {file.Length} bytes in {file.Name}.");
            await Task.Delay(Pause, TimeProvider.System, cancellationToken);
        }

        await push.WaitForExitAsync(cancellationToken);
        return (memory, written);
    }

    // A process that is ending has no such line any more.
    private static long Count(int process, string file, string name)
    {
        try
        {
            var line = File.ReadLines($"/proc/{process}/{file}").FirstOrDefault(text => text.StartsWith(name, StringComparison.Ordinal));
            return line is null
                ? 0 : long.Parse(line[name.Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return 0;
        }
    }

    private static string DigestOf(int gibibytes)
    {
        if (gibibytes == DefaultGibibytes)
            return DefaultDigest;

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var block = new byte[1 << 20];
        for (var count = 0; count < gibibytes << 10; count++)
            hash.AppendData(block);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}

using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Content.Registries;

/// <summary>Asks <c>docker-credential-NAME get</c>, as Docker does: the registry on its input, a login as JSON on its output.</summary>
internal sealed class CredentialHelper(TimeProvider time)
{
    private const int LargestAnswer = 64 << 10;
    private const string TokenUser = "<token>";

    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    /// <summary>The helper's login; null when it has none for that registry.</summary>
    /// <exception cref="ContentException">The helper can't be run, takes too long, or answers something else. The message has nothing of
    /// its answer.</exception>
    public async Task<Login?> AskAsync(string helper, string registry, CancellationToken cancellationToken)
    {
        if (!Platform.IsWord(helper))
            throw new ContentException($"'{Digest.Shorten(helper)}' is not the name of a credential helper.");
        var program = $"docker-credential-{helper}";
        using var limit = new CancellationTokenSource(Longest, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            return await RunAsync(program, registry, either.Token);
        }
        catch (OperationCanceledException exception) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new ContentException($"{program} gave no answer for {registry} within {Longest.TotalSeconds:F0} s.", exception);
        }
        catch (Exception exception) when (exception is Win32Exception or IOException or JsonException)
        {
            throw new ContentException($"{program} gave no login for {registry}: "
                + $"{(exception is JsonException ? "its answer is not valid JSON" : exception.Message)}.", exception);
        }
    }

    private static async Task<Login?> RunAsync(string program, string registry, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(program, ["get"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        using var process = Process.Start(start)!;
        try
        {
            await process.StandardInput.WriteAsync(registry.AsMemory(), cancellationToken);
            process.StandardInput.Close();
            var errors = DrainAsync(process.StandardError.BaseStream, cancellationToken);
            var answer = new byte[LargestAnswer + 1];
            var length = await process.StandardOutput.BaseStream.ReadAtLeastAsync(answer, answer.Length, throwOnEndOfStream: false,
                cancellationToken);
            if (length > LargestAnswer)
                throw new ContentException($"{program} gave an answer of more than {LargestAnswer} bytes for {registry}.");
            await errors;
            await process.WaitForExitAsync(cancellationToken);
            // Helpers fail when they have no login for a registry; it may be open to everyone.
            return process.ExitCode == 0 ? Parse(answer.AsMemory(0, length)) : null;
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }

    private static async Task DrainAsync(Stream errors, CancellationToken cancellationToken)
    {
        var buffer = new byte[4096];
        while (await errors.ReadAsync(buffer, cancellationToken) > 0)
        {
        }
    }

    private static Login? Parse(ReadOnlyMemory<byte> answer)
    {
        using var document = JsonDocument.Parse(answer);
        if (document.RootElement.ValueKind != JsonValueKind.Object)
            throw new JsonException();
        var user = DescriptorJson.Text(document.RootElement, "Username") ?? "";
        var secret = DescriptorJson.Text(document.RootElement, "Secret") ?? "";
        if (user.Length == 0)
            return null;
        return user == TokenUser ? new Login("", "", secret) : new Login(user, secret);
    }
}

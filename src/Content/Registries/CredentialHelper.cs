using System.Text.Json;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.Programs;
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
        var call = new ProgramCall(program, ["get"]) { Input = registry, Timeout = Longest, LargestOutput = LargestAnswer };
        try
        {
            var result = await call.RunAsync(time, cancellationToken);
            // Helpers fail when they have no login for a registry; it may be open to everyone.
            return result.ExitCode == 0 ? Parse(result.Output) : null;
        }
        catch (ContentException exception)
        {
            throw new ContentException($"There is no login for {registry}: {exception.Message}", exception);
        }
        catch (Exception exception) when (exception is IOException or JsonException)
        {
            throw new ContentException($"{program} gave no login for {registry}: "
                + $"{(exception is JsonException ? "its answer is not valid JSON" : exception.Message)}.", exception);
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

namespace CapiRegistryHook.Harness.Cluster;

/// <summary>Pushes, copies and looks at images in a registry, as skopeo does: with TLS, verified against one root.</summary>
/// <param name="authority">The registry's host and port, for example 127.0.0.1:34567.</param>
/// <param name="certificateAuthorityPem">The only root that is trusted.</param>
/// <param name="credentials">user:password; null for none.</param>
public sealed class Skopeo(string authority, string certificateAuthorityPem, string? credentials = null)
{
    /// <summary>Pushes an image archive (docker-archive) under a name.</summary>
    /// <param name="archive">The file.</param>
    /// <param name="name">Repository and tag, for example <c>library/hello:1</c>.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public Task<CommandResult> PushAsync(string archive, string name, CancellationToken cancellationToken) =>
        RunAsync(folder => ["copy", $"--dest-cert-dir={folder}", .. Credentials("dest-"), $"docker-archive:{archive}", At(name)],
            cancellationToken);

    /// <summary>Pulls an image into a folder that is thrown away: shows that all of it is there.</summary>
    public Task<CommandResult> PullAsync(string name, CancellationToken cancellationToken) =>
        RunAsync(
            folder => ["copy", $"--src-cert-dir={folder}", .. Credentials("src-"), At(name), $"dir:{folder}/image"], cancellationToken);

    /// <summary>The image's description as JSON: digest, tags, layers.</summary>
    public Task<CommandResult> InspectAsync(string name, CancellationToken cancellationToken) =>
        RunAsync(folder => ["inspect", $"--cert-dir={folder}", .. Credentials(""), At(name)], cancellationToken);

    /// <summary>The manifest as the registry has it.</summary>
    public Task<CommandResult> RawAsync(string name, CancellationToken cancellationToken) =>
        RunAsync(folder => ["inspect", "--raw", $"--cert-dir={folder}", .. Credentials(""), At(name)], cancellationToken);

    /// <summary>Deletes the manifest that a tag points to.</summary>
    public Task<CommandResult> DeleteAsync(string name, CancellationToken cancellationToken) =>
        RunAsync(folder => ["delete", $"--cert-dir={folder}", .. Credentials(""), At(name)], cancellationToken);

    private string At(string name) => $"docker://{authority}/{name}";

    private string[] Credentials(string side) => credentials is null ? [] : [$"--{side}creds={credentials}"];

    private async Task<CommandResult> RunAsync(Func<string, string[]> arguments, CancellationToken cancellationToken)
    {
        await using var folder = ScratchFolder.Create("capi-registry-hook-skopeo-");
        folder.Write("ca.crt", certificateAuthorityPem);
        // Signatures are not what these tests are about, and a machine without skopeo has no policy file.
        string[] all = ["--insecure-policy", .. arguments(folder.Path)];
        return await OutsideCommand.RunAsync(await TestTools.PathOfAsync("skopeo"), all, cancellationToken);
    }
}

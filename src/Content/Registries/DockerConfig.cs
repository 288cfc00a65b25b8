using System.Text;
using System.Text.Json;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Content.Registries;

/// <summary>The logins that people have: <c>~/.docker/config.json</c>, with its credential helpers. Podman's auth.json has the same
/// form.</summary>
public sealed class DockerConfig : IRegistryLogins
{
    private const int LargestFile = 1 << 20;
    private const string HubKey = "https://index.docker.io/v1/";

    private readonly string _path;
    private readonly JsonElement _root;
    private readonly CredentialHelper _helpers;

    private DockerConfig(string path, JsonElement root, TimeProvider time)
    {
        _path = path;
        _root = root;
        _helpers = new CredentialHelper(time);
    }

    /// <summary>Where Docker keeps the file: in <c>$DOCKER_CONFIG</c>, else in <c>~/.docker</c>.</summary>
    public static string DefaultPath => Path.Combine(
        Environment.GetEnvironmentVariable("DOCKER_CONFIG") is { Length: > 0 } folder ? folder
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".docker"), "config.json");

    /// <summary>Reads the file; one that is not there has no logins.</summary>
    /// <exception cref="ContentException">The file is not a Docker configuration. The message has nothing of its content.</exception>
    public static DockerConfig Read(string path, TimeProvider time)
    {
        try
        {
            if (!File.Exists(path))
                return Parse("{}"u8.ToArray(), path, time);
            if (new FileInfo(path).Length > LargestFile)
                throw new ContentException($"{path} is larger than {LargestFile >> 20} MiB.");
            return Parse(File.ReadAllBytes(path), path, time);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ContentException($"{path} can't be read: {exception.Message}", exception);
        }
    }

    /// <summary>
    /// The login for a registry in a pull secret. What a Secret says never runs a program, so credential helpers are ignored.
    /// </summary>
    /// <param name="json">The value of <c>.dockerconfigjson</c>.</param>
    /// <param name="registry">The registry, as in <see cref="FindAsync"/>.</param>
    /// <param name="what">What the Secret is called in messages.</param>
    /// <exception cref="ContentException">It is not such a value. The message has nothing of its content.</exception>
    public static Login? FindInSecret(byte[] json, string registry, string what)
    {
        if (json.Length > LargestFile)
            throw new ContentException($"{what} is larger than {LargestFile >> 20} MiB.");
        var config = Parse(json, what, TimeProvider.System);
        return KeysOf(registry).Select(config.Entry).FirstOrDefault(login => login is not null);
    }

    /// <inheritdoc/>
    public async Task<Login?> FindAsync(string registry, CancellationToken cancellationToken)
    {
        var keys = KeysOf(registry);
        var helpers = Object(_root, "credHelpers");
        foreach (var key in keys)
        {
            if (helpers is { } programs && Text(programs, key) is { } helper)
                return await _helpers.AskAsync(helper, key, cancellationToken);
        }

        var entry = keys.Select(Entry).FirstOrDefault(login => login is not null);
        if (entry is null && Text(_root, "credsStore") is { Length: > 0 } store)
            return await _helpers.AskAsync(store, keys[0], cancellationToken);
        return entry;
    }

    internal static DockerConfig Parse(byte[] json, string path, TimeProvider time)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            if (document.RootElement.ValueKind == JsonValueKind.Object)
                return new DockerConfig(path, document.RootElement.Clone(), time);
        }
        catch (JsonException exception)
        {
            throw new ContentException($"{path} is not a Docker configuration: it is not valid JSON.", exception);
        }

        throw new ContentException($"{path} is not a Docker configuration: it is not a JSON object.");
    }

    private static string[] KeysOf(string registry) => registry == Reference.DockerHub
        ? [HubKey, "index.docker.io", Reference.DockerHub] : [registry, $"https://{registry}", $"https://{registry}/"];

    private Login? Entry(string key)
    {
        if (Object(_root, "auths") is not { } all || Object(all, key) is not { } entry)
            return null;
        if (Text(entry, "identitytoken") is { Length: > 0 } token)
            return new Login("", "", token);
        if (Text(entry, "auth") is { Length: > 0 } packed)
            return Unpack(packed, key);
        return Text(entry, "username") is { Length: > 0 } user ? new Login(user, Text(entry, "password") ?? "") : null;
    }

    private Login Unpack(string packed, string key)
    {
        var bytes = new byte[packed.Length];
        if (Convert.TryFromBase64String(packed, bytes, out var length)
            && Encoding.UTF8.GetString(bytes, 0, length).TrimEnd('\0') is var text
            && text.IndexOf(':', StringComparison.Ordinal) is var colon and > 0)
            return new Login(text[..colon], text[(colon + 1)..]);
        throw new ContentException($"The login for {Digest.Shorten(key)} in {_path} is malformed: log in again.");
    }

    private string? Text(JsonElement element, string name)
    {
        try
        {
            return DescriptorJson.Text(element, name);
        }
        catch (ContentException)
        {
            throw new ContentException($"{_path} is not a Docker configuration: {Digest.Shorten(name)} is not text.");
        }
    }

    private static JsonElement? Object(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Object ? value : null;
}

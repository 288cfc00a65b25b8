using System.Security.Cryptography;
using System.Text;

namespace CapiRegistryHook.Registry.Logins;

/// <summary>
/// A generated login of a registry: who logs in now, and the lines of all that are accepted. No record, so that no log shows it by chance.
/// </summary>
internal sealed class RegistryLogin
{
    private const string UserPrefix = "registry-";
    private const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    private const int PasswordLength = 32;

    /// <summary>
    /// A password of 190 random bits needs no slow hash; the registry computes one for each request with a login, so it is kept cheap.
    /// </summary>
    private const int Cost = 5;

    private const int DigestLength = 16;

    private RegistryLogin(string userName, string password, string htpasswd)
    {
        UserName = userName;
        Password = password;
        Htpasswd = htpasswd;
    }

    /// <summary>Not secret. Each password has a user of its own: of two lines with one user, only the last would count.</summary>
    public string UserName { get; }

    public string Password { get; }

    /// <summary>The accepted logins: the current one first, then the former one until all nodes have the current one.</summary>
    public string Htpasswd { get; }

    /// <summary>Whether a former login is accepted too.</summary>
    public bool HasFormer => Htpasswd.TrimEnd('\n').Contains('\n', StringComparison.Ordinal);

    /// <summary>What tells one list of accepted logins from another, and nothing of the passwords.</summary>
    public string Digest => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Htpasswd)))[..DigestLength];

    /// <summary>A first login.</summary>
    public static RegistryLogin Generate() => Generate(1, "");

    /// <summary>What was stored; null when a part is missing or does not belong to the rest.</summary>
    public static RegistryLogin? Load(string userName, string password, string htpasswd) =>
        NumberOf(userName) > 0 && password.Length > 0 && htpasswd.StartsWith($"{userName}:$2", StringComparison.Ordinal)
            ? new RegistryLogin(userName, password, htpasswd) : null;

    /// <summary>Another login; this one stays accepted.</summary>
    public RegistryLogin Rotate() => Generate(NumberOf(UserName) + 1, Current);

    /// <summary>The same without the former login.</summary>
    public RegistryLogin WithoutFormer() => new(UserName, Password, Current);

    private string Current => Htpasswd[..(Htpasswd.IndexOf('\n', StringComparison.Ordinal) + 1)];

    private static RegistryLogin Generate(int number, string former)
    {
        var user = UserPrefix + number;
        var password = RandomNumberGenerator.GetString(Letters, PasswordLength);
        var hash = Bcrypt.Hash(password, RandomNumberGenerator.GetBytes(Bcrypt.SaltLength), Cost);
        return new RegistryLogin(user, password, $"{user}:{hash}\n{former}");
    }

    private static int NumberOf(string userName) =>
        userName.StartsWith(UserPrefix, StringComparison.Ordinal) && int.TryParse(userName.AsSpan(UserPrefix.Length), out var number)
            ? number : 0;
}

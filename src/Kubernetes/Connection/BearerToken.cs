namespace CapiRegistryHook.Kubernetes.Connection;

/// <summary>What may be sent as a bearer token: anything else would be cut by, or break out of, the header it is sent in.</summary>
internal static class BearerToken
{
    /// <summary>Headers of API servers are limited to 1 MiB in all; real tokens have 1 to 4 KiB.</summary>
    public const int LongestToken = 64 * 1024;

    /// <summary>The token without the white space around it.</summary>
    /// <exception cref="CredentialException">There is none, or it is none.</exception>
    public static string Check(string? text, string source)
    {
        var token = text?.Trim() ?? "";
        if (token.Length is 0 or > LongestToken || token.Any(c => c is <= ' ' or > '~'))
            throw new CredentialException(
                $"{source} holds no usable token: 1 to {LongestToken} printable ASCII characters without blanks are needed.");
        return token;
    }
}

/// <summary>A token that never changes.</summary>
internal sealed class StaticToken(string token) : ICredentialSource
{
    public ValueTask<string> GetTokenAsync(CancellationToken cancellationToken) => ValueTask.FromResult(token);

    public bool Refuse(string token) => false;

    public void Dispose()
    {
    }

    public override string ToString() => nameof(StaticToken);
}

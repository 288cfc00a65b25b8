namespace CapiRegistryHook.Kubernetes.Connection;

/// <summary>
/// A token in a file that somebody else renews, read again when it is older than a minute or was refused. A file that can't be read
/// right now leaves the last token in use, since it may well still be good.
/// </summary>
internal sealed class FileToken(string path, TimeProvider time) : ICredentialSource
{
    /// <summary>The kubelet renews a token when a fifth of its life is left, which is minutes at least.</summary>
    internal static readonly TimeSpan LongestAge = TimeSpan.FromSeconds(60);

    // One reference, so that readers always see a token with its own time. Two callers may read the file at once; both get a good token.
    private volatile Reading? _last;

    public async ValueTask<string> GetTokenAsync(CancellationToken cancellationToken)
    {
        var known = _last;
        if (known is { Refused: false } && time.GetElapsedTime(known.At) < LongestAge)
            return known.Token;
        try
        {
            Reading fresh = new(BearerToken.Check(await ReadAsync(cancellationToken), path), time.GetTimestamp(), Refused: false);
            _last = fresh;
            return fresh.Token;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or CredentialException)
        {
            if (known is not null)
                return known.Token;
            throw exception as CredentialException
                ?? new CredentialException($"{path} can't be read: the token is expected there.", exception);
        }
    }

    public bool Refuse(string token)
    {
        var known = _last;
        if (known is not null && known.Token == token)
            Interlocked.CompareExchange(ref _last, known with { Refused = true }, known);
        return true;
    }

    public void Dispose()
    {
    }

    public override string ToString() => $"{nameof(FileToken)} {path}";

    private async Task<string> ReadAsync(CancellationToken cancellationToken)
    {
        await using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var buffer = new byte[BearerToken.LongestToken + 2];
        var length = await file.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
        return System.Text.Encoding.Latin1.GetString(buffer, 0, length);
    }

    private sealed record Reading(string Token, long At, bool Refused)
    {
        public override string ToString() => nameof(Reading);
    }
}

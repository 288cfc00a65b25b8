namespace CapiRegistryHook.Kubernetes.Connection;

/// <summary>Where the bearer token of a connection comes from. Implementations are thread-safe and never print the token.</summary>
public interface ICredentialSource : IDisposable
{
    /// <summary>The token to send now.</summary>
    /// <returns>The token, without <c>Bearer</c>.</returns>
    /// <exception cref="CredentialException">There is no token to be had.</exception>
    ValueTask<string> GetTokenAsync(CancellationToken cancellationToken);

    /// <summary>Tells that the server refused a token, so that it is not handed out again where another can be had.</summary>
    /// <param name="token">The refused token; ignored when it is not the current one any more.</param>
    /// <returns>True when another attempt makes sense.</returns>
    bool Refuse(string token);
}

/// <summary>A credential that could not be got; the message names the source, never the credential.</summary>
/// <param name="message">One sentence.</param>
/// <param name="innerException">The cause below, if any.</param>
public sealed class CredentialException(string message, Exception? innerException = null) : Exception(message, innerException);

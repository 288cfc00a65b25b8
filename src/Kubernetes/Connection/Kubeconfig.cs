namespace CapiRegistryHook.Kubernetes.Connection;

/// <summary>
/// Reads kubeconfig files. Taken: server, certificate authority, tls-server-name, proxy-url, client certificate, token and token file, exec
/// plugin,
/// each inline or from a file. Refused with a sentence: plain http, insecure-skip-tls-verify, passwords, auth-provider, impersonation.
/// </summary>
public static class Kubeconfig
{
    /// <summary>Reads a file of the machine's own user: it may name files, relative to its folder, and exec plugins.</summary>
    /// <param name="path">The kubeconfig.</param>
    /// <param name="context">The context to use; null takes the current one, else the only one.</param>
    /// <param name="time">The clock of token files and plugins.</param>
    /// <returns>The connection; to be freed, by a client made from it or by the caller.</returns>
    /// <exception cref="KubeconfigException">The file can't be read or used.</exception>
    public static ClusterConnection Load(string path, string? context, TimeProvider time)
    {
        var full = Path.GetFullPath(path);
        return new KubeconfigReader(KubeconfigYaml.Read(ReadFile(full)), Path.GetDirectoryName(full), time).Read(context);
    }

    /// <summary>Reads a kubeconfig that came over the network, as from a Secret: inline data only, since its author may not read this
    /// machine's files or run programs here.</summary>
    /// <param name="yaml">The kubeconfig, at most 1 MiB.</param>
    /// <param name="context">The context to use; null takes the current one, else the only one.</param>
    /// <param name="time">The clock of the connection.</param>
    /// <returns>The connection; to be freed, by a client made from it or by the caller.</returns>
    /// <exception cref="KubeconfigException">It can't be used.</exception>
    public static ClusterConnection Parse(ReadOnlySpan<byte> yaml, string? context, TimeProvider time) =>
        new KubeconfigReader(KubeconfigYaml.Read(yaml), folder: null, time).Read(context);

    private static byte[] ReadFile(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            var buffer = new byte[KubeconfigYaml.MostBytes + 1];
            return buffer[..file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false)];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new KubeconfigException($"The kubeconfig can't be read: {path}.", exception);
        }
    }
}

/// <summary>A kubeconfig or a pod's service account that can't be used; the message names the field and the remedy and never holds a
/// credential.</summary>
/// <param name="message">One sentence.</param>
/// <param name="innerException">The cause below, if any.</param>
public sealed class KubeconfigException(string message, Exception? innerException = null) : Exception(message, innerException);

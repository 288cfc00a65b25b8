using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace CapiRegistryHook.Kubernetes.Connection;

/// <summary>Makes a connection of a kubeconfig that was read.</summary>
/// <param name="root">The file.</param>
/// <param name="folder">Against which file names resolve; null refuses files and programs.</param>
/// <param name="time">The clock of token files and plugins.</param>
internal sealed class KubeconfigReader(KubeconfigNode root, string? folder, TimeProvider time)
{
    /// <summary>No real bundle comes near; a Secret can't hold more.</summary>
    private const int MostFileBytes = 1024 * 1024;

    /// <summary>The public bundle of Mozilla has about 150; each one that is read costs time and memory outside of the heap.</summary>
    private const int MostCertificates = 200;

    /// <summary>RSA with 8192 bits takes about 6.4 KiB of PEM; larger keys make each handshake a burden.</summary>
    private const int MostKeyBytes = 16 * 1024;

    public ClusterConnection Read(string? contextName)
    {
        var selected = KubeconfigSelection.Choose(root, contextName);
        Refuse(selected);
        var server = Server(selected.Cluster["server"]);
        X509Certificate2Collection? authorities = null;
        X509Certificate2Collection? client = null;
        try
        {
            authorities = Authorities(selected.Cluster);
            client = ClientCertificates(selected.User);
            return new ClusterConnection
            {
                Server = server,
                CertificateAuthorities = authorities,
                ClientCertificate = client is { Count: > 0 } ? client[0] : null,
                ClientCertificateChain = client is { Count: > 1 } ? [.. client.Skip(1)] : null,
                Credentials = Credentials(selected, server),
                Proxy = Proxy(selected.Cluster["proxy-url"]),
                TlsServerName = ServerName(selected.Cluster["tls-server-name"]),
                Namespace = selected.Namespace,
            };
        }
        catch
        {
            foreach (var certificate in (IEnumerable<X509Certificate2>)[.. authorities ?? [], .. client ?? []])
                certificate.Dispose();
            throw;
        }
    }

    private static void Refuse(KubeconfigSelection selected)
    {
        if (selected.Cluster["insecure-skip-tls-verify"] is { IsTrue: true } insecure)
        {
            throw new KubeconfigException(
                $"The kubeconfig sets {insecure.Path}; remove it and give certificate-authority-data, "
                    + "since a server that is not verified can be anybody.");
        }

        foreach (var key in (ReadOnlySpan<string>)["auth-provider", "as", "as-uid", "as-groups", "as-user-extra"])
        {
            if (selected.User[key] is { IsNull: false } unsupported)
                throw new KubeconfigException(
                    $"The kubeconfig's {unsupported.Path} is not supported; use a token, a client certificate or an exec plugin.");
        }

        if (selected.User["password"] is { IsNull: false } password)
            throw new KubeconfigException(
                $"The kubeconfig's {password.Path} is not supported, nor is it by API servers; use a token or a client certificate.");
    }

    private static Uri Server(KubeconfigNode node)
    {
        if (!Uri.TryCreate(node.Required, UriKind.Absolute, out var server) || server.Scheme != Uri.UriSchemeHttps
            || server.Host.Length == 0
            || server.UserInfo.Length + server.Query.Length + server.Fragment.Length > 0)
            throw node.Wrong("an https address without user, query and fragment");
        return server;
    }

    private static Uri? Proxy(KubeconfigNode node)
    {
        if (node.Text is not { } text)
            return null;
        return Uri.TryCreate(text, UriKind.Absolute, out var proxy) && proxy.Scheme is "http" or "https" or "socks5"
            && proxy.Host.Length > 0
            ? proxy
            : throw node.Wrong("an http, https or socks5 address");
    }

    private static string? ServerName(KubeconfigNode node) =>
        node.Text is { } name && Uri.CheckHostName(name) == UriHostNameType.Unknown
            ? throw node.Wrong("a host name or an address") : node.Text;

    private X509Certificate2Collection? Authorities(KubeconfigNode cluster)
    {
        (var pem, var node) = Data(cluster, "certificate-authority");
        return pem is null ? null : Certificates(pem, node);
    }

    private X509Certificate2Collection? ClientCertificates(KubeconfigNode user)
    {
        (var pem, var node) = Data(user, "client-certificate");
        (var key, var keyNode) = Data(user, "client-key");
        if (pem is null && key is null)
            return null;
        if (pem is null || key is null)
            throw new KubeconfigException(
                $"The kubeconfig has {(pem is null ? keyNode.Path : node.Path)} without its counterpart; give certificate and key.");
        if (key.Length > MostKeyBytes)
            throw keyNode.Wrong($"a key of at most {MostKeyBytes / 1024} KiB");
        var certificates = Certificates(pem, node);
        try
        {
            var bare = certificates[0];
            certificates[0] = X509Certificate2.CreateFromPem(bare.ExportCertificatePem(), Encoding.UTF8.GetString(key));
            bare.Dispose();
            return certificates;
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            foreach (var certificate in certificates)
                certificate.Dispose();
            throw keyNode.Wrong("an unencrypted PEM key that belongs to the client certificate");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
        }
    }

    private static X509Certificate2Collection Certificates(byte[] pem, KubeconfigNode node)
    {
        X509Certificate2Collection certificates = [];
        if (pem.AsSpan().Count("-----BEGIN CERTIFICATE-----"u8) > MostCertificates)
            throw node.Wrong($"at most {MostCertificates} PEM certificates");
        try
        {
            certificates.ImportFromPem(Encoding.UTF8.GetString(pem));
        }
        catch (CryptographicException)
        {
            certificates.Clear();
        }

        return certificates.Count > 0 ? certificates : throw node.Wrong("one or more PEM certificates");
    }

    private ICredentialSource? Credentials(KubeconfigSelection selected, Uri server)
    {
        var user = selected.User;
        // The reference client lets the file win over the text and the token over the plugin.
        if (user["tokenFile"] is { Text: { } path } file)
            return new FileToken(Local(path, file), time);
        if (user["token"] is { Text: { } token } node)
            return new StaticToken(CheckToken(token, node));
        return user["exec"] is { IsNull: false } exec
            ? new ExecCredentials(KubeconfigExec.Read(exec, selected.Cluster, server, Folder(exec)), time)
            : null;
    }

    private static string CheckToken(string token, KubeconfigNode node)
    {
        try
        {
            return BearerToken.Check(token, node.Path);
        }
        catch (CredentialException)
        {
            throw node.Wrong("printable ASCII without blanks");
        }
    }

    // As in the reference client, inline data wins over a file.
    private (byte[]? Bytes, KubeconfigNode Node) Data(KubeconfigNode parent, string key)
    {
        var inline = parent[key + "-data"];
        if (inline.Base64 is { } bytes)
            return (bytes, inline);
        var file = parent[key];
        return (file.Text is { } path ? ReadFile(Local(path, file), file) : null, file);
    }

    private static byte[] ReadFile(string path, KubeconfigNode node)
    {
        try
        {
            using var file = File.OpenRead(path);
            var buffer = new byte[Math.Min(file.Length, MostFileBytes + 1)];
            var length = file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            return length <= MostFileBytes ? buffer[..length] : throw node.Wrong($"a file of at most {MostFileBytes / 1024} KiB");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new KubeconfigException($"The kubeconfig's {node.Path} names a file that can't be read: {path}.", exception);
        }
    }

    private string Local(string path, KubeconfigNode node) => Path.GetFullPath(path, Folder(node));

    private string Folder(KubeconfigNode node) => folder
        ?? throw new KubeconfigException(
            $"The kubeconfig's {node.Path} names a file or a program of the machine it was made on; put the data itself into it.");
}

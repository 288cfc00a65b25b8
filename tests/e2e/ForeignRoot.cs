using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>A root CA that somebody else made, with any times; built on the platform alone.</summary>
internal sealed record ForeignRoot(string CertificatePem, string PrivateKeyPem)
{
    private const string Name = "registry-addon-root-ca";

    /// <param name="from">When it begins, seen from now.</param>
    /// <param name="until">When it ends, seen from now.</param>
    public static ForeignRoot Create(TimeSpan from, TimeSpan until)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN=foreign-{RandomNumberGenerator.GetHexString(8, lowercase: true)}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        var now = TimeProvider.System.GetUtcNow();
        using var root = request.CreateSelfSigned(now + from, now + until);
        return new ForeignRoot(root.ExportCertificatePem() + "\n", key.ExportPkcs8PrivateKeyPem() + "\n");
    }

    /// <summary>Puts it where the service looks for its root.</summary>
    public Task StoreAsync(Stage stage, string trustPem, CancellationToken cancellationToken) =>
        stage.ManagementObjects.CreateAsync(AdminClient.Secrets(HookService.Namespace), new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = Name },
            ["type"] = "kubernetes.io/tls",
            ["data"] = new JsonObject { ["tls.crt"] = Data(CertificatePem), ["tls.key"] = Data(PrivateKeyPem), ["ca.crt"] = Data(trustPem) },
        }, cancellationToken);

    /// <summary>Replaces the bundle beside it.</summary>
    public static Task SetTrustAsync(Stage stage, string trustPem, CancellationToken cancellationToken) =>
        stage.ManagementObjects.MergePatchAsync(
            AdminClient.Secrets(HookService.Namespace), Name, new JsonObject { ["data"] = new JsonObject { ["ca.crt"] = Data(trustPem) } }, cancellationToken);

    private static string Data(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}

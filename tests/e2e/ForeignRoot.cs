using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Service;

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
        var request = new CertificateRequest(
            $"CN=foreign-{RandomNumberGenerator.GetHexString(8, lowercase: true)}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        var now = TimeProvider.System.GetUtcNow();
        using var root = request.CreateSelfSigned(now + from, now + until);
        return new ForeignRoot(root.ExportCertificatePem() + "\n", key.ExportPkcs8PrivateKeyPem() + "\n");
    }

    /// <summary>Puts it where the service looks for its root.</summary>
    public Task StoreAsync(TestEnvironment environment, string trustPem, CancellationToken cancellationToken) =>
        environment.ManagementObjects.CreateAsync(AdminClient.Secrets(HookService.Namespace), new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = Name },
            ["type"] = "kubernetes.io/tls",
            ["data"] = new JsonObject { ["tls.crt"] = Data(CertificatePem), ["tls.key"] = Data(PrivateKeyPem),
            ["ca.crt"] = Data(trustPem) },
        }, cancellationToken);

    /// <summary>Replaces the bundle beside it.</summary>
    public static Task SetTrustAsync(TestEnvironment environment, string trustPem, CancellationToken cancellationToken) =>
        environment.ManagementObjects.MergePatchAsync(
            AdminClient.Secrets(HookService.Namespace), Name, new JsonObject { ["data"] = new JsonObject { ["ca.crt"] = Data(trustPem) } },
            cancellationToken);

    /// <summary>
    /// A rotation to a root that the cluster's nodes don't know: without a cross-certificate, and with nodes from before it joined the
    /// bundle. The service has to
    /// find out how old the nodes are.
    /// </summary>
    public static async Task GiveSuccessorWithoutCrossCertificateAsync(
        TestEnvironment environment, TestCluster cluster, CancellationToken cancellationToken)
    {
        var secrets = AdminClient.Secrets(HookService.Namespace);
        using var current = X509Certificate2.CreateFromPem(
            RegistryState.Text(await environment.ManagementObjects.GetAsync(secrets, Name, cancellationToken), "tls.crt"));
        var id = Convert.ToHexStringLower(SHA256.HashData(current.RawData))[..16];
        var next = Create(TimeSpan.Zero, TimeSpan.FromDays(3650));
        await environment.ManagementObjects.CreateAsync(secrets, new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = $"{Name}-next", ["annotations"] = Annotation("follows-root", id) },
            ["type"] = "kubernetes.io/tls",
            ["data"] = new JsonObject { ["tls.crt"] = Data(next.CertificatePem), ["tls.key"] = Data(next.PrivateKeyPem),
            ["ca.crt"] = Data(next.CertificatePem) },
        }, cancellationToken);
        await AnnotateAsync(environment, secrets, Name, Annotation("next-root", $"{Name}-next"), cancellationToken);
        await AnnotateAsync(environment, AdminClient.Secrets(cluster.Namespace), $"{cluster.Name}-registry-addon-ca",
            Annotation("trusted-since", $"{id}=2026-01-01T00:00:00Z"), cancellationToken);
    }

    private static JsonObject Annotation(string name, string value) => new() { [$"capi-registry-hook.io/{name}"] = value };

    private static Task<JsonObject> AnnotateAsync(
        TestEnvironment environment, string collection, string name, JsonObject annotations, CancellationToken cancellationToken) =>
        environment.ManagementObjects.MergePatchAsync(
            collection, name, new JsonObject { ["metadata"] = new JsonObject { ["annotations"] = annotations } }, cancellationToken);

    private static string Data(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}

using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests.Serving;

/// <summary>Plays Cluster API's part: an ExtensionConfig that asks for its bundle, and the controller that copies it there.</summary>
internal sealed class PublishedAuthority(AdminClient objects, string extension = PublishedAuthority.Extension)
{
    public const string Extension = "registry-hook";
    public const string AuthoritySecret = "capi-registry-hook-ca";
    public const string PublicSecret = "capi-registry-hook-tls";

    private static readonly string Secrets = AdminClient.Secrets(HookService.Namespace);

    /// <summary>Without the reconciler, whose calls are another matter.</summary>
    public static string[] Arguments =>
        ["--reconciler", "Off", "--tls-source", "SelfManaged", "--tls-names", $"127.0.0.1,capi-registry-hook.{HookService.Namespace}.svc",
            "--tls-extension-config", Extension];

    public async Task CreateExtensionAsync(CancellationToken cancellationToken)
    {
        await objects.DeleteIfThereAsync(AdminClient.ExtensionConfigs, extension, cancellationToken);
        await objects.CreateAsync(AdminClient.ExtensionConfigs, new JsonObject
        {
            ["apiVersion"] = "runtime.cluster.x-k8s.io/v1beta2",
            ["kind"] = "ExtensionConfig",
            ["metadata"] = new JsonObject { ["name"] = extension },
            ["spec"] = new JsonObject
            {
                ["clientConfig"] = new JsonObject {
                    ["service"] = new JsonObject { ["name"] = "capi-registry-hook", ["namespace"] = HookService.Namespace } },
            },
        }, cancellationToken);
    }

    /// <summary>What is published now, as PEM.</summary>
    public async Task<string> ReadAsync(CancellationToken cancellationToken) =>
        Encoding.ASCII.GetString(
            Convert.FromBase64String((string)(await objects.GetAsync(Secrets, PublicSecret, cancellationToken))["data"]!["ca.crt"]!));

    /// <summary>Copies it into the ExtensionConfig.</summary>
    public async Task<string> InjectAsync(CancellationToken cancellationToken)
    {
        var pem = await ReadAsync(cancellationToken);
        var bundle = new JsonObject { ["caBundle"] = Convert.ToBase64String(Encoding.ASCII.GetBytes(pem)) };
        await objects.MergePatchAsync(
            AdminClient.ExtensionConfigs, extension, new JsonObject { ["spec"] = new JsonObject { ["clientConfig"] = bundle } },
            cancellationToken);
        return pem;
    }

    /// <summary>Asks for another authority.</summary>
    public Task RotateAsync(string why, CancellationToken cancellationToken)
    {
        var annotations = new JsonObject { ["capi-registry-hook.io/rotate-ca"] = why };
        return objects.MergePatchAsync(
            Secrets, AuthoritySecret, new JsonObject { ["metadata"] = new JsonObject { ["annotations"] = annotations } },
            cancellationToken);
    }

    /// <summary>The certificates of a bundle that are not in another one, as PEM.</summary>
    public static string Added(string bundle, string former)
    {
        var before = Certificates(former).Select(certificate => certificate.Thumbprint).ToHashSet();
        return string.Concat(Certificates(bundle).Where(certificate => !before.Contains(certificate.Thumbprint))
            .Select(certificate => certificate.ExportCertificatePem() + "\n"));
    }

    private static X509Certificate2Collection Certificates(string pem)
    {
        var certificates = new X509Certificate2Collection();
        certificates.ImportFromPem(pem);
        return certificates;
    }
}

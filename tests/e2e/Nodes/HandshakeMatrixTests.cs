using System.Net;
using System.Text;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Nodes;

namespace CapiRegistryHook.EndToEnd.Tests.Nodes;

/// <summary>
/// The matrix of a root rotation with clients that nodes and people have: a real registry serves each leaf, and OpenSSL and a Go client
/// with each
/// bundle are asked whether they accept it. .NET is asked in the unit tests.
/// </summary>
public sealed class HandshakeMatrixTests
{
    private const string Address = "10.96.0.20";
    private const string Image = Address + "/team/app:1";

    private static readonly string[] Trusts = ["old", "both", "new"];

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(KeyAlgorithm.EcdsaP256)]
    [InlineData(KeyAlgorithm.Rsa2048)]
    public async Task Registry_ServingEachLeaf_IsAcceptedWhereAWayLeadsToIt(KeyAlgorithm algorithm)
    {
        await using var sandbox = await NodeSandbox.CreateAsync(CancellationToken);
        await sandbox.AddAddressAsync(IPAddress.Parse(Address), CancellationToken);
        using var oldRoot = Root(algorithm);
        using var newRoot = Root(algorithm);
        using var old = Load(oldRoot, "");
        using var withoutCrossCertificate = Load(newRoot, "");
        using var crossCertificated = Load(newRoot, old.CrossCertificateTo(withoutCrossCertificate, TimeProvider.System));
        WriteTrust(sandbox, "old", oldRoot.CertificatePem);
        WriteTrust(sandbox, "both", oldRoot.CertificatePem + newRoot.CertificatePem);
        WriteTrust(sandbox, "new", newRoot.CertificatePem);

        Assert.Equal("openssl: old both; skopeo: old both", await AskAsync(sandbox, old));
        Assert.Equal("openssl: both new; skopeo: both new", await AskAsync(sandbox, withoutCrossCertificate));
        Assert.Equal("openssl: old both new; skopeo: old both new", await AskAsync(sandbox, crossCertificated));
    }

    /// <summary>Who accepts a leaf of the authority, as words.</summary>
    private static async Task<string> AskAsync(NodeSandbox sandbox, CertificateAuthority authority)
    {
        var registry = await ServeAsync(sandbox, authority);
        var openSsl = await WhoAsync(trust => AcceptsAsync(sandbox, "openssl",
            "s_client", "-connect", $"{Address}:443", "-no-CApath", "-no-CAstore", "-CAfile", $"/etc/trust/{trust}/ca.crt",
            "-verify_return_error", "-verify_ip", Address));
        var skopeo = await WhoAsync(
            trust => AcceptsAsync(
                sandbox, "skopeo", "--insecure-policy", "inspect", "--cert-dir", $"/etc/trust/{trust}", $"docker://{Image}"));
        await sandbox.StopServerAsync(registry);
        return $"openssl: {openSsl}; skopeo: {skopeo}";
    }

    private static async Task<string> WhoAsync(Func<string, Task<bool>> accepts)
    {
        var who = new List<string>();
        foreach (var trust in Trusts)
        {
            if (await accepts(trust))
                who.Add(trust);
        }

        return string.Join(' ', who);
    }

    private static async Task<bool> AcceptsAsync(NodeSandbox sandbox, string tool, params string[] arguments) =>
        (await sandbox.RunAsync(await TestTools.PathOfAsync(tool), arguments, CancellationToken)).ExitCode == 0;

    /// <summary>
    /// Starts the registry and makes sure that a client which asks for no certificate gets the image: whoever fails then fails for the
    /// certificate.
    /// </summary>
    private static async Task<string> ServeAsync(NodeSandbox sandbox, CertificateAuthority authority)
    {
        var names = ServerNames.Create([], [IPAddress.Parse(Address)]);
        using var issued = authority.Issue(
            new ServerCertificateRequest("registry", names, KeyAlgorithm.EcdsaP256, TimeSpan.FromDays(30)), TimeProvider.System);
        sandbox.Write("/etc/registry/tls.crt", issued.CertificatePem);
        sandbox.Write("/etc/registry/tls.key", Encoding.ASCII.GetString(issued.PrivateKeyPem.Span));
        sandbox.Write("/etc/registry/config.yml", $$"""
            version: 0.1
            storage: { filesystem: { rootdirectory: {{sandbox["storage"]}} } }
            http: { addr: "{{Address}}:443", tls: { certificate: /etc/registry/tls.crt, key: /etc/registry/tls.key } }
            """);
        // A name, and so a log, of its own: what it waits for must not be found in the log of the one before.
        var registry = $"registry-{issued.SerialNumber}";
        await sandbox.StartServerAsync(
            registry, [await TestTools.PathOfAsync("docker-registry"), "serve", "/etc/registry/config.yml"], "listening on",
            CancellationToken);
        var image = TinyImage.Write(sandbox[$"image-{Guid.NewGuid():N}"], Image);
        await sandbox.RunWellAsync(
            await TestTools.PathOfAsync("skopeo"),
            ["copy", "--insecure-policy", "--dest-tls-verify=false", $"oci:{image.Folder}", $"docker://{Image}"], CancellationToken);
        return registry;
    }

    private static void WriteTrust(NodeSandbox sandbox, string name, string pem) => sandbox.Write($"/etc/trust/{name}/ca.crt", pem);

    private static CertificateKeyPair Root(KeyAlgorithm algorithm) =>
        CertificateAuthority.CreateRoot(new RootRequest("registry-addon", algorithm, TimeSpan.FromDays(3650)), TimeProvider.System);

    private static CertificateAuthority Load(CertificateKeyPair root, string crossCertificates) =>
        CertificateAuthority.Load(
            Encoding.ASCII.GetBytes(root.CertificatePem), root.PrivateKeyPem.Span, default, Encoding.ASCII.GetBytes(crossCertificates));
}

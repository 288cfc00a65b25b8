using CapiRegistryHook.Certificates;
using CapiRegistryHook.Unit.Tests.Certificates;

namespace CapiRegistryHook.Unit.Tests.Fuzz;

/// <summary>Certificates, bundles and keys out of Secrets.</summary>
public class PemFuzzTests(ITestOutputHelper output) : FuzzTests(output)
{
    private static readonly string[] Boundaries =
    [
        "-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----\n", "-----BEGIN PRIVATE KEY-----\n", "-----END PRIVATE KEY-----\n",
        "-----BEGIN ", "-----",
        "-----BEGIN EC PRIVATE KEY-----\n", "-----BEGIN RSA PRIVATE KEY-----\n", "-----BEGIN ENCRYPTED PRIVATE KEY-----\n",
        "Proc-Type: 4,ENCRYPTED\n\n",
        "MIIB", "MIL/////", "AAAA", "====", "\r", "\0", " ", "MA==",
    ];

    [Fact]
    public void Bundle_AnyBytes_IsTrustOrAFault()
    {
        using var first = Samples.NewRoot();
        using var second = Samples.NewRoot();
        byte[][] seeds = [Samples.Bytes(first.CertificatePem), Samples.Bytes(first.CertificatePem + second.CertificatePem), []];
        Run(new Fuzzer("pem", seeds, Boundaries), 25_000, pem => IsTaken(() => TrustBundle.Parse(pem).PruneExpired(Samples.Clock)));
    }

    [Fact]
    public void Authority_AnyCertificate_IsLoadedOrAFault()
    {
        using var root = Samples.NewRoot();
        var key = root.PrivateKeyPem;
        Run(new Fuzzer("pem", [Samples.Bytes(root.CertificatePem)], Boundaries), 10_000,
            pem => IsTaken(() => CertificateAuthority.Load(pem, key.Span, default).Dispose()));
    }

    [Fact]
    public void Authority_AnyKey_IsLoadedOrAFault()
    {
        using var root = Samples.NewRoot();
        var certificate = Samples.Bytes(root.CertificatePem);
        Run(new Fuzzer("pem", [root.PrivateKeyPem.ToArray()], Boundaries), 10_000,
            pem => IsTaken(() => CertificateAuthority.Load(certificate, pem, default).Dispose()));
    }

    private static bool IsTaken(Action read)
    {
        try
        {
            read();
            return true;
        }
        catch (CertificateException)
        {
            return false;
        }
    }
}

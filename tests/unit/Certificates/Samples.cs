using System.Net;
using System.Text;
using CapiRegistryHook.Certificates;

namespace CapiRegistryHook.Unit.Tests.Certificates;

/// <summary>Requests and authorities that most tests start from. The present is an arbitrary moment with a broken second.</summary>
internal static class Samples
{
    public static readonly DateTimeOffset Present = new DateTimeOffset(2031, 5, 6, 7, 8, 9, TimeSpan.Zero).AddMilliseconds(750);
    public static readonly DateTimeOffset PresentSecond = new(2031, 5, 6, 7, 8, 9, TimeSpan.Zero);
    public static readonly TimeSpan TenYears = TimeSpan.FromDays(3650);
    public static readonly TimeSpan TwoYears = TimeSpan.FromDays(730);

    public static readonly ServerNames Names = ServerNames.Create(
        ["registry", "registry.registry-system.svc.cluster.local", "*.registry-headless.registry-system.svc"],
        [IPAddress.Parse("10.96.0.20"), IPAddress.Parse("fd00::14"), IPAddress.Loopback, IPAddress.IPv6Loopback]);

    public static FixedTime Clock => new(Present);

    public static RootRequest Root(KeyAlgorithm algorithm = KeyAlgorithm.EcdsaP256) => new("registry-addon", algorithm, TenYears);

    public static ServerCertificateRequest Server(KeyAlgorithm algorithm = KeyAlgorithm.EcdsaP256) =>
        new("registry", Names, algorithm, TwoYears);

    public static CertificateKeyPair NewRoot(KeyAlgorithm algorithm = KeyAlgorithm.EcdsaP256, TimeProvider? time = null) =>
        CertificateAuthority.CreateRoot(Root(algorithm), time ?? Clock);

    public static CertificateAuthority NewAuthority(KeyAlgorithm algorithm = KeyAlgorithm.EcdsaP256, TimeProvider? time = null)
    {
        using var root = NewRoot(algorithm, time);
        return Load(root);
    }

    public static CertificateAuthority Load(CertificateKeyPair pair, string trust = "") =>
        CertificateAuthority.Load(Bytes(pair.CertificatePem), pair.PrivateKeyPem.Span, Bytes(trust));

    /// <summary>A root as an authority that knows cross-certificates from former ones.</summary>
    public static CertificateAuthority LoadCrossCertificated(CertificateKeyPair root, params IEnumerable<string> crossCertificates) =>
        CertificateAuthority.Load(Bytes(root.CertificatePem), root.PrivateKeyPem.Span, default, Bytes(string.Concat(crossCertificates)));

    public static TrustBundle Bundle(params IEnumerable<CertificateKeyPair> pairs) =>
        TrustBundle.Parse(Bytes(string.Concat(pairs.Select(pair => pair.CertificatePem))));

    public static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    public static CertificateFault FaultOf(Action action) => Assert.Throws<CertificateException>(action).Fault;
}

using System.Net;
using System.Security.Cryptography.X509Certificates;
using CapiRegistryHook.Certificates;
using Org.BouncyCastle.Asn1;
using Org.BouncyCastle.Asn1.X509;
using Org.BouncyCastle.X509.Extension;
using BouncyCertificate = Org.BouncyCastle.X509.X509Certificate;

namespace CapiRegistryHook.Unit.Tests.Certificates;

/// <summary>What is issued, read and judged by implementations that are not ours.</summary>
public sealed class IssuedCertificateTests
{
    public static TheoryData<KeyAlgorithm, KeyAlgorithm> Kinds => new()
    {
        { KeyAlgorithm.EcdsaP256, KeyAlgorithm.EcdsaP256 },
        { KeyAlgorithm.EcdsaP256, KeyAlgorithm.Rsa2048 },
        { KeyAlgorithm.EcdsaP256, KeyAlgorithm.Rsa3072 },
        { KeyAlgorithm.Rsa2048, KeyAlgorithm.EcdsaP256 },
        { KeyAlgorithm.Rsa2048, KeyAlgorithm.Rsa2048 },
        { KeyAlgorithm.Rsa3072, KeyAlgorithm.EcdsaP256 },
        { KeyAlgorithm.Rsa4096, KeyAlgorithm.EcdsaP256 },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Issue_AnyRootAndLeafKey_IsAcceptedByAllJudges(KeyAlgorithm rootKind, KeyAlgorithm leafKind)
    {
        using var openSsl = new OpenSsl();
        using var authority = Samples.NewAuthority(rootKind);
        using var pair = authority.Issue(Samples.Server(leafKind), Samples.Clock);
        var trust = authority.TrustBundle.ToPem();
        foreach (var host in new[] { "registry", "registry-0.registry-headless.registry-system.svc", "10.96.0.20", "fd00::14", "::1" })
        {
            PathJudges.AssertPlatformAccepts(pair.CertificatePem, trust, Samples.Present, host);
            PathJudges.AssertOpenSslAccepts(openSsl, pair.CertificatePem, trust, Samples.Present, host);
        }

        PathJudges.AssertBouncyCastleAccepts(pair.CertificatePem, trust, Samples.Present);
        openSsl.Write("leaf.key", pair.PrivateKeyPem.Span);
        Assert.Equal(openSsl.Run("x509 -in chain.pem -noout -pubkey"), openSsl.Run("pkey -in leaf.key -pubout"));
    }

    [Fact]
    public void Issue_WrongNameOrTrust_IsRefusedByOpenSsl()
    {
        using var openSsl = new OpenSsl();
        using var authority = Samples.NewAuthority();
        using var stranger = Samples.NewAuthority();
        using var pair = authority.Issue(Samples.Server(), Samples.Clock);
        openSsl.Write("leaf.pem", pair.CertificatePem);
        openSsl.Write("trust.pem", authority.TrustBundle.ToPem());
        openSsl.Write("stranger.pem", stranger.TrustBundle.ToPem());
        var at = $"-attime {Samples.Present.ToUnixTimeSeconds()}";
        Assert.Equal(0, openSsl.TryRun($"verify {at} -CAfile trust.pem -verify_hostname registry leaf.pem").ExitCode);
        Assert.NotEqual(0, openSsl.TryRun($"verify {at} -CAfile trust.pem -verify_hostname elsewhere leaf.pem").ExitCode);
        Assert.NotEqual(0, openSsl.TryRun($"verify {at} -CAfile stranger.pem -verify_hostname registry leaf.pem").ExitCode);
        Assert.NotEqual(0, openSsl.TryRun($"verify {at} -CAfile trust.pem -purpose sslclient leaf.pem").ExitCode);
    }

    [Theory]
    [InlineData(KeyAlgorithm.EcdsaP256, KeyUsage.DigitalSignature)]
    [InlineData(KeyAlgorithm.Rsa2048, KeyUsage.DigitalSignature | KeyUsage.KeyEncipherment)]
    public void Issue_ReadByBouncyCastle_HasExactlyTheExtensionsOfAServer(KeyAlgorithm algorithm, int usage)
    {
        using var authority = Samples.NewAuthority();
        using var pair = authority.Issue(Samples.Server(algorithm), Samples.Clock);
        var leaf = PathJudges.ReadWithBouncyCastle(pair.CertificatePem)[0];
        AssertSame([X509Extensions.BasicConstraints, X509Extensions.KeyUsage], leaf.GetCriticalExtensionOids());
        AssertSame(
            [X509Extensions.SubjectKeyIdentifier, X509Extensions.AuthorityKeyIdentifier, X509Extensions.SubjectAlternativeName,
            X509Extensions.ExtendedKeyUsage],
            leaf.GetNonCriticalExtensionOids());
        Assert.Equal(-1, leaf.GetBasicConstraints());
        Assert.Equal(usage, KeyUsage.GetInstance(Value(leaf, X509Extensions.KeyUsage)).IntValue);
        Assert.Equal([PathJudges.ServerAuthentication], leaf.GetExtendedKeyUsage().Cast<string>());
        var issuer = AuthorityKeyIdentifier.GetInstance(Value(leaf, X509Extensions.AuthorityKeyIdentifier));
        Assert.Equal(authority.SubjectKeyIdentifier, Convert.ToHexStringLower(issuer.GetKeyIdentifier()));
    }

    [Fact]
    public void Issue_ReadByBouncyCastle_HasExactlyTheNames()
    {
        using var authority = Samples.NewAuthority();
        using var pair = authority.Issue(Samples.Server(), Samples.Clock);
        var names = GeneralNames.GetInstance(
            Value(PathJudges.ReadWithBouncyCastle(pair.CertificatePem)[0], X509Extensions.SubjectAlternativeName)).GetNames();
        Assert.Equal(Samples.Names.DnsNames, names.Where(name => name.TagNo == GeneralName.DnsName).Select(name => name.Name.ToString()!));
        Assert.Equal(
            Samples.Names.Addresses,
            names.Where(name => name.TagNo == GeneralName.IPAddress)
                .Select(name => new IPAddress(Asn1OctetString.GetInstance(name.Name).GetOctets())));
        Assert.Equal(names.Length, Samples.Names.DnsNames.Count + Samples.Names.Addresses.Count);
    }

    [Theory]
    [InlineData(KeyAlgorithm.EcdsaP256)]
    [InlineData(KeyAlgorithm.Rsa2048)]
    public void CreateRoot_ReadByBouncyCastle_IsACrossCertificateableRoot(KeyAlgorithm algorithm)
    {
        using var pair = Samples.NewRoot(algorithm);
        var root = PathJudges.ReadWithBouncyCastle(pair.CertificatePem).Single();
        AssertSame([X509Extensions.BasicConstraints, X509Extensions.KeyUsage], root.GetCriticalExtensionOids());
        AssertSame([X509Extensions.SubjectKeyIdentifier, X509Extensions.AuthorityKeyIdentifier], root.GetNonCriticalExtensionOids());
        var basic = BasicConstraints.GetInstance(Value(root, X509Extensions.BasicConstraints));
        Assert.True(basic.IsCA());
        Assert.Null(basic.PathLenConstraint);
        Assert.Equal(KeyUsage.KeyCertSign | KeyUsage.CrlSign, KeyUsage.GetInstance(Value(root, X509Extensions.KeyUsage)).IntValue);
        var subject = SubjectKeyIdentifier.GetInstance(Value(root, X509Extensions.SubjectKeyIdentifier)).GetKeyIdentifier();
        Assert.Equal(subject, AuthorityKeyIdentifier.GetInstance(Value(root, X509Extensions.AuthorityKeyIdentifier)).GetKeyIdentifier());
        Assert.Equal("CN=registry-addon", root.SubjectDN.ToString());
        root.Verify(root.GetPublicKey());
    }

    [Fact]
    public void Issue_Repeated_GivesDifferentPositiveSerialNumbersAndKeysThatOpenSslPrintsAlike()
    {
        using var openSsl = new OpenSsl();
        using var authority = Samples.NewAuthority();
        var serials = new HashSet<string>();
        for (var turn = 0; turn < 64; turn++)
        {
            using var pair = authority.Issue(Samples.Server(), Samples.Clock);
            var serial = PathJudges.ReadWithBouncyCastle(pair.CertificatePem)[0].SerialNumber;
            Assert.True(serial.SignValue > 0);
            Assert.True(serial.BitLength is > 64 and <= 127);
            Assert.True(serials.Add(pair.SerialNumber));
            if (turn > 0) continue;
            openSsl.Write("leaf.pem", pair.CertificatePem);
            Assert.Equal($"serial={pair.SerialNumber.ToUpperInvariant()}\n", openSsl.Run("x509 -in leaf.pem -noout -serial"));
        }
    }

    [Fact]
    public void Issue_CommonNameWithSeparators_StaysOneName()
    {
        using var authority = Samples.NewAuthority();
        using var pair = authority.Issue(Samples.Server() with { CommonName = "a, O=b + C=c" }, Samples.Clock);
        using var leaf = X509Certificate2.CreateFromPem(pair.CertificatePem);
        Assert.Single(leaf.SubjectName.EnumerateRelativeDistinguishedNames());
        Assert.Equal("a, O=b + C=c", leaf.GetNameInfo(X509NameType.SimpleName, forIssuer: false));
    }

    private static void AssertSame(DerObjectIdentifier[] expected, Org.BouncyCastle.Utilities.Collections.ISet actual) =>
        Assert.Equal(expected.Select(oid => oid.Id).ToHashSet(), actual.Cast<string>().ToHashSet());

    private static Asn1Object Value(BouncyCertificate certificate, DerObjectIdentifier oid) =>
        X509ExtensionUtilities.FromExtensionValue(certificate.GetExtensionValue(oid));
}

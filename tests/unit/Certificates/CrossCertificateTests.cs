using CapiRegistryHook.Certificates;

namespace CapiRegistryHook.Unit.Tests.Certificates;

/// <summary>
/// Two roots of the same name and a cross-certificate between them: what a root rotation leaves in Secrets must not confuse this version.
/// </summary>
public sealed class CrossCertificateTests
{
    [Fact]
    public void Load_CrossCertificate_IsAnIntermediateAlthoughItsNamesAreEqual()
    {
        using var oldRoot = Samples.NewRoot();
        using var newRoot = Samples.NewRoot();
        var crossCertificate = HandMade.CrossCertificate(oldRoot, newRoot);
        Assert.Equal(
            CertificateFault.NotAnchored,
            Samples.FaultOf(() => CertificateAuthority.Load(Samples.Bytes(crossCertificate), newRoot.PrivateKeyPem.Span, default)));
        using var authority = CertificateAuthority.Load(
            Samples.Bytes(crossCertificate), newRoot.PrivateKeyPem.Span, Samples.Bytes(oldRoot.CertificatePem));
        using var pair = authority.Issue(Samples.Server(), Samples.Clock);
        Assert.EndsWith(crossCertificate, pair.CertificatePem, StringComparison.Ordinal);
        using var openSsl = new OpenSsl();
        PathJudges.AssertOpenSslAccepts(openSsl, pair.CertificatePem, oldRoot.CertificatePem, Samples.Present, "registry");
        PathJudges.AssertPlatformAccepts(pair.CertificatePem, oldRoot.CertificatePem, Samples.Present, "registry");
        PathJudges.AssertBouncyCastleAccepts(pair.CertificatePem, oldRoot.CertificatePem, Samples.Present);
    }

    /// <summary>A signature of a kind that is not checked leaves the key identifiers to tell a cross-certificate from a root.</summary>
    [Fact]
    public void Load_CrossCertificateSignedWithSha1_IsNotTakenForARoot()
    {
        using var oldRoot = Samples.NewRoot();
        using var newRoot = Samples.NewRoot();
        using var openSsl = new OpenSsl();
        openSsl.Write("old.pem", oldRoot.CertificatePem);
        openSsl.Write("old.key", oldRoot.PrivateKeyPem.Span);
        openSsl.Write("new.key", newRoot.PrivateKeyPem.Span);
        openSsl.Write("empty.cnf", "[req]\ndistinguished_name=dn\n[dn]\n");
        openSsl.Write("extensions.cnf", "basicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n");
        openSsl.Run("req -new -utf8 -config empty.cnf -key new.key -subj /CN=registry-addon -out new.csr");
        openSsl.Run(
            "x509 -req -sha1 -in new.csr -CA old.pem -CAkey old.key -CAcreateserial -extfile extensions.cnf -out cross-certificate.pem");
        Assert.Contains("ecdsa-with-SHA1", openSsl.Run("x509 -in cross-certificate.pem -noout -text"), StringComparison.Ordinal);
        Assert.Equal(
            CertificateFault.NotAnchored,
            Samples.FaultOf(() => CertificateAuthority.Load(openSsl.Read("cross-certificate.pem"), newRoot.PrivateKeyPem.Span, default)));
    }
}

using CapiRegistryHook.Certificates;

namespace CapiRegistryHook.Unit.Tests.Certificates;

/// <summary>What a cross-certificate is, and which roots it leads from.</summary>
public sealed class AnchorTests
{
    [Fact]
    public void CrossCertificateTo_Successor_HasItsNameAndKeyUnderTheFormerRoot()
    {
        using var rotation = new Rotation(KeyAlgorithm.Rsa2048, KeyAlgorithm.EcdsaP256);
        var crossCertificate = Assert.Single(PathJudges.ReadWithBouncyCastle(rotation.CrossCertificate));
        var successor = Assert.Single(PathJudges.ReadWithBouncyCastle(rotation.NewRoot.CertificatePem));
        var former = Assert.Single(PathJudges.ReadWithBouncyCastle(rotation.OldRoot.CertificatePem));

        Assert.Equal(successor.GetPublicKey(), crossCertificate.GetPublicKey());
        Assert.Equal((successor.SubjectDN, former.SubjectDN), (crossCertificate.SubjectDN, crossCertificate.IssuerDN));
        crossCertificate.Verify(former.GetPublicKey());
        Assert.Equal(int.MaxValue, crossCertificate.GetBasicConstraints());
        Assert.Equal(former.NotAfter, crossCertificate.NotAfter);
        Assert.NotEqual(successor.SerialNumber, crossCertificate.SerialNumber);
    }

    [Fact]
    public void Issue_WithCrossCertificate_IsAcceptedByStrictJudgesThatOnlyKnowTheFormerRoot()
    {
        using var rotation = new Rotation();
        using var pair = rotation.New.Issue(Samples.Server(), Samples.Clock);
        using var openSsl = new OpenSsl();
        PathJudges.AssertOpenSslAccepts(openSsl, pair.CertificatePem, rotation.OldRoot.CertificatePem, Samples.Present, "registry");
        PathJudges.AssertBouncyCastleAccepts(pair.CertificatePem, rotation.OldRoot.CertificatePem, Samples.Present);
        Assert.EndsWith(rotation.CrossCertificate, pair.CertificatePem, StringComparison.Ordinal);
    }

    [Fact]
    public void AnchorsIn_CrossCertificated_AreBothRoots()
    {
        using var rotation = new Rotation();
        using var stranger = Samples.NewAuthority();
        Assert.Equal(rotation.BothTrust, rotation.New.AnchorsIn(rotation.BothTrust.Add(stranger.TrustBundle), Samples.Clock));
        Assert.Equal(rotation.OldTrust, rotation.Old.AnchorsIn(rotation.BothTrust, Samples.Clock));
        Assert.Equal(TrustBundle.Empty, rotation.New.AnchorsIn(stranger.TrustBundle, Samples.Clock));
        Assert.False(rotation.Old.IsAnchoredIn(rotation.NewTrust, Samples.Clock));
    }

    [Fact]
    public void AnchorsIn_AfterTheEndOfTheFormerRoot_IsTheNewOneAlone()
    {
        var early = new FixedTime(Samples.Present);
        using var rotation = new Rotation();
        using var later = CertificateAuthority.CreateRoot(Samples.Root() with { Lifetime = Samples.TenYears * 2 }, early);
        using var withoutCrossCertificate = Samples.Load(later);
        using var authority = Samples.LoadCrossCertificated(later, rotation.Old.CrossCertificateTo(withoutCrossCertificate, early));
        var both = rotation.OldTrust.Add(authority.TrustBundle);
        Assert.Equal(both, authority.AnchorsIn(both, new FixedTime(rotation.Old.NotAfter)));

        var after = new FixedTime(rotation.Old.NotAfter.AddSeconds(1));
        Assert.Equal(authority.TrustBundle, authority.AnchorsIn(both, after));
        using var pair = authority.Issue(Samples.Server(), after);
        Assert.Single(PathJudges.ReadWithBouncyCastle(pair.CertificatePem));
    }

    [Fact]
    public void Load_ForeignCrossCertificate_IsNotServed()
    {
        using var rotation = new Rotation();
        using var other = new Rotation();
        using var authority = Samples.LoadCrossCertificated(
            rotation.NewRoot, other.CrossCertificate, rotation.CrossCertificate, rotation.NewRoot.CertificatePem,
            rotation.CrossCertificate);
        using var pair = authority.Issue(Samples.Server(), Samples.Clock);
        Assert.Equal(2, PathJudges.ReadWithBouncyCastle(pair.CertificatePem).Length);
        Assert.False(authority.IsAnchoredIn(other.OldTrust, Samples.Clock));
    }

    [Fact]
    public void Load_ForgedCrossCertificate_AnchorsNothing()
    {
        using var rotation = new Rotation();
        using var impostor = Samples.NewAuthority();
        using var withoutCrossCertificate = Samples.Load(rotation.NewRoot);
        using var authority = Samples.LoadCrossCertificated(
            rotation.NewRoot, impostor.CrossCertificateTo(withoutCrossCertificate, Samples.Clock));
        Assert.False(authority.IsAnchoredIn(rotation.OldTrust, Samples.Clock));
    }

    [Fact]
    public void Load_BrokenOrTooManyCrossCertificates_IsRefused()
    {
        using var rotation = new Rotation();
        Assert.Equal(CertificateFault.Unreadable, Samples.FaultOf(
            () => Samples.LoadCrossCertificated(rotation.NewRoot, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")));
        Assert.Equal(CertificateFault.TooMany, Samples.FaultOf(() => Samples.LoadCrossCertificated(
            rotation.NewRoot, Enumerable.Repeat(rotation.CrossCertificate, PemLimits.CrossCertificates + 1))));
    }

    [Fact]
    public void CrossCertificateTo_FromRootOfPathLengthZeroOrToItself_IsRefused()
    {
        using var openSsl = new OpenSsl();
        openSsl.Write("empty.cnf", "[req]\ndistinguished_name=dn\n[dn]\n");
        openSsl.Run(
            "req -x509 -config empty.cnf -newkey rsa:2048 -nodes -keyout root.key -out root.pem -subj /CN=short -days 3650 -addext "
                + "basicConstraints=critical,CA:TRUE,pathlen:0 -addext keyUsage=critical,keyCertSign");
        using var shortRoot = CertificateAuthority.Load(openSsl.Read("root.pem"), openSsl.Read("root.key"), default);
        using var next = Samples.NewAuthority();
        Assert.False(shortRoot.MayCrossCertificate);
        Assert.Throws<InvalidOperationException>(() => shortRoot.CrossCertificateTo(next, Samples.Clock));
        Assert.Throws<InvalidOperationException>(() => next.CrossCertificateTo(next, Samples.Clock));
    }

    [Fact]
    public void CrossCertificateTo_EndedRoot_IsRefused()
    {
        using var rotation = new Rotation();
        Assert.Equal(CertificateFault.IssuerExpired,
            Samples.FaultOf(() => rotation.Old.CrossCertificateTo(rotation.New, new FixedTime(rotation.Old.NotAfter.AddSeconds(1)))));
    }

    [Fact]
    public void Evaluate_CrossCertificateNotServedYet_IsAnotherIssuer()
    {
        using var rotation = new Rotation();
        using var withoutCrossCertificate = Samples.Load(rotation.NewRoot);
        using var plain = withoutCrossCertificate.Issue(Samples.Server(), Samples.Clock);
        using var crossCertificated = rotation.New.Issue(Samples.Server(), Samples.Clock);
        Assert.Equal(ReissueReason.IssuerChanged, Evaluate(plain, rotation.New));
        Assert.Equal(ReissueReason.IssuerChanged, Evaluate(crossCertificated, rotation.Old));
        Assert.Equal(ReissueReason.None, Evaluate(crossCertificated, rotation.New));
    }

    /// <summary>
    /// The cross-certificate ends with the root that it leads from; nobody needs it then, and no certificate is issued anew for that.
    /// </summary>
    [Fact]
    public void Evaluate_CrossCertificateThatHasEnded_IsNoReason()
    {
        using var former = CertificateAuthority.CreateRoot(Samples.Root() with { Lifetime = TimeSpan.FromDays(10) }, Samples.Clock);
        using var next = Samples.NewRoot();
        using var old = Samples.Load(former);
        using var withoutCrossCertificate = Samples.Load(next);
        var crossCertificate = old.CrossCertificateTo(withoutCrossCertificate, Samples.Clock);
        using var authority = Samples.LoadCrossCertificated(next, crossCertificate);
        using var pair = authority.Issue(Samples.Server(), Samples.Clock);
        var time = new FixedTime(Samples.Present.AddDays(11));
        Assert.Equal(ReissueReason.None,
            ReissuePolicy.Evaluate(Samples.Bytes(pair.CertificatePem), pair.PrivateKeyPem.Span, Samples.Server(), authority, time).Reason);
        Assert.Equal(ReissueReason.None, ReissuePolicy.Evaluate(
            Samples.Bytes(pair.CertificatePem), pair.PrivateKeyPem.Span, Samples.Server(), withoutCrossCertificate, time).Reason);
    }

    [Fact]
    public void RotationTime_OfARoot_IsHalfOfItsLife()
    {
        using var authority = Samples.NewAuthority();
        Assert.Equal(authority.NotBefore + ((authority.NotAfter - authority.NotBefore) / 2), authority.RotationTime);
        Assert.Equal(Assert.Single(authority.TrustBundle).Thumbprint, authority.RootThumbprint);
    }

    private static ReissueReason Evaluate(CertificateKeyPair pair, CertificateAuthority authority) =>
        ReissuePolicy.Evaluate(
            Samples.Bytes(pair.CertificatePem), pair.PrivateKeyPem.Span, Samples.Server(), authority, Samples.Clock).Reason;
}

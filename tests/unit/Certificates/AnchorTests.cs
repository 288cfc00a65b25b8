using CapiRegistryHook.Certificates;
using Xunit;

namespace CapiRegistryHook.Unit.Tests.Certificates;

/// <summary>What a bridge is, and which roots it leads from.</summary>
public sealed class AnchorTests
{
    [Fact]
    public void BridgeTo_Successor_HasItsNameAndKeyUnderTheFormerRoot()
    {
        using var rotation = new Rotation(KeyAlgorithm.Rsa2048, KeyAlgorithm.EcdsaP256);
        var bridge = Assert.Single(PathJudges.ReadWithBouncyCastle(rotation.Bridge));
        var successor = Assert.Single(PathJudges.ReadWithBouncyCastle(rotation.NewRoot.CertificatePem));
        var former = Assert.Single(PathJudges.ReadWithBouncyCastle(rotation.OldRoot.CertificatePem));

        Assert.Equal(successor.GetPublicKey(), bridge.GetPublicKey());
        Assert.Equal((successor.SubjectDN, former.SubjectDN), (bridge.SubjectDN, bridge.IssuerDN));
        bridge.Verify(former.GetPublicKey());
        Assert.Equal(int.MaxValue, bridge.GetBasicConstraints());
        Assert.Equal(former.NotAfter, bridge.NotAfter);
        Assert.NotEqual(successor.SerialNumber, bridge.SerialNumber);
    }

    [Fact]
    public void Issue_WithBridge_IsAcceptedByStrictJudgesThatOnlyKnowTheFormerRoot()
    {
        using var rotation = new Rotation();
        using var pair = rotation.New.Issue(Samples.Server(), Samples.Clock);
        using var openSsl = new OpenSsl();
        PathJudges.AssertOpenSslAccepts(openSsl, pair.CertificatePem, rotation.OldRoot.CertificatePem, Samples.Present, "registry");
        PathJudges.AssertBouncyCastleAccepts(pair.CertificatePem, rotation.OldRoot.CertificatePem, Samples.Present);
        Assert.EndsWith(rotation.Bridge, pair.CertificatePem, StringComparison.Ordinal);
    }

    [Fact]
    public void AnchorsIn_Bridged_AreBothRoots()
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
        using var unbridged = Samples.Load(later);
        using var authority = Samples.LoadBridged(later, rotation.Old.BridgeTo(unbridged, early));
        var both = rotation.OldTrust.Add(authority.TrustBundle);
        Assert.Equal(both, authority.AnchorsIn(both, new FixedTime(rotation.Old.NotAfter)));

        var after = new FixedTime(rotation.Old.NotAfter.AddSeconds(1));
        Assert.Equal(authority.TrustBundle, authority.AnchorsIn(both, after));
        using var pair = authority.Issue(Samples.Server(), after);
        Assert.Single(PathJudges.ReadWithBouncyCastle(pair.CertificatePem));
    }

    [Fact]
    public void Load_ForeignBridge_IsNotServed()
    {
        using var rotation = new Rotation();
        using var other = new Rotation();
        using var authority = Samples.LoadBridged(rotation.NewRoot, other.Bridge, rotation.Bridge, rotation.NewRoot.CertificatePem, rotation.Bridge);
        using var pair = authority.Issue(Samples.Server(), Samples.Clock);
        Assert.Equal(2, PathJudges.ReadWithBouncyCastle(pair.CertificatePem).Length);
        Assert.False(authority.IsAnchoredIn(other.OldTrust, Samples.Clock));
    }

    [Fact]
    public void Load_ForgedBridge_AnchorsNothing()
    {
        using var rotation = new Rotation();
        using var impostor = Samples.NewAuthority();
        using var unbridged = Samples.Load(rotation.NewRoot);
        using var authority = Samples.LoadBridged(rotation.NewRoot, impostor.BridgeTo(unbridged, Samples.Clock));
        Assert.False(authority.IsAnchoredIn(rotation.OldTrust, Samples.Clock));
    }

    [Fact]
    public void Load_BrokenOrTooManyBridges_IsRefused()
    {
        using var rotation = new Rotation();
        Assert.Equal(CertificateFault.Unreadable, Samples.FaultOf(() => Samples.LoadBridged(rotation.NewRoot, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")));
        Assert.Equal(CertificateFault.TooMany, Samples.FaultOf(() => Samples.LoadBridged(rotation.NewRoot, Enumerable.Repeat(rotation.Bridge, PemLimits.Bridges + 1))));
    }

    [Fact]
    public void BridgeTo_FromRootOfPathLengthZeroOrToItself_IsRefused()
    {
        using var openSsl = new OpenSsl();
        openSsl.Write("empty.cnf", "[req]\ndistinguished_name=dn\n[dn]\n");
        openSsl.Run("req -x509 -config empty.cnf -newkey rsa:2048 -nodes -keyout root.key -out root.pem -subj /CN=short -days 3650 -addext basicConstraints=critical,CA:TRUE,pathlen:0 -addext keyUsage=critical,keyCertSign");
        using var shortRoot = CertificateAuthority.Load(openSsl.Read("root.pem"), openSsl.Read("root.key"), default);
        using var next = Samples.NewAuthority();
        Assert.False(shortRoot.MayBridge);
        Assert.Throws<InvalidOperationException>(() => shortRoot.BridgeTo(next, Samples.Clock));
        Assert.Throws<InvalidOperationException>(() => next.BridgeTo(next, Samples.Clock));
    }

    [Fact]
    public void BridgeTo_EndedRoot_IsRefused()
    {
        using var rotation = new Rotation();
        Assert.Equal(CertificateFault.IssuerExpired, Samples.FaultOf(() => rotation.Old.BridgeTo(rotation.New, new FixedTime(rotation.Old.NotAfter.AddSeconds(1)))));
    }

    [Fact]
    public void Evaluate_BridgeNotServedYet_IsAnotherIssuer()
    {
        using var rotation = new Rotation();
        using var unbridged = Samples.Load(rotation.NewRoot);
        using var plain = unbridged.Issue(Samples.Server(), Samples.Clock);
        using var bridged = rotation.New.Issue(Samples.Server(), Samples.Clock);
        Assert.Equal(ReissueReason.IssuerChanged, Evaluate(plain, rotation.New));
        Assert.Equal(ReissueReason.IssuerChanged, Evaluate(bridged, rotation.Old));
        Assert.Equal(ReissueReason.None, Evaluate(bridged, rotation.New));
    }

    /// <summary>The bridge ends with the root that it leads from; nobody needs it then, and no certificate is issued anew for that.</summary>
    [Fact]
    public void Evaluate_BridgeThatHasEnded_IsNoReason()
    {
        using var former = CertificateAuthority.CreateRoot(Samples.Root() with { Lifetime = TimeSpan.FromDays(10) }, Samples.Clock);
        using var next = Samples.NewRoot();
        using var old = Samples.Load(former);
        using var unbridged = Samples.Load(next);
        var bridge = old.BridgeTo(unbridged, Samples.Clock);
        using var authority = Samples.LoadBridged(next, bridge);
        using var pair = authority.Issue(Samples.Server(), Samples.Clock);
        var time = new FixedTime(Samples.Present.AddDays(11));
        Assert.Equal(ReissueReason.None, ReissuePolicy.Evaluate(Samples.Bytes(pair.CertificatePem), pair.PrivateKeyPem.Span, Samples.Server(), authority, time).Reason);
        Assert.Equal(ReissueReason.None, ReissuePolicy.Evaluate(Samples.Bytes(pair.CertificatePem), pair.PrivateKeyPem.Span, Samples.Server(), unbridged, time).Reason);
    }

    [Fact]
    public void RotationTime_OfARoot_IsHalfOfItsLife()
    {
        using var authority = Samples.NewAuthority();
        Assert.Equal(authority.NotBefore + ((authority.NotAfter - authority.NotBefore) / 2), authority.RotationTime);
        Assert.Equal(Assert.Single(authority.TrustBundle).Thumbprint, authority.RootThumbprint);
    }

    private static ReissueReason Evaluate(CertificateKeyPair pair, CertificateAuthority authority) =>
        ReissuePolicy.Evaluate(Samples.Bytes(pair.CertificatePem), pair.PrivateKeyPem.Span, Samples.Server(), authority, Samples.Clock).Reason;
}

using CapiRegistryHook.Certificates;

namespace CapiRegistryHook.Unit.Tests.Certificates;

/// <summary>
/// The matrix of a root rotation as real handshakes of .NET: which leaf does a client accept by which roots? The openssl command and a Go
/// client are asked the same questions in the end-to-end tests.
/// </summary>
public sealed class RotationHandshakeTests
{
    [Theory]
    [InlineData(KeyAlgorithm.EcdsaP256, KeyAlgorithm.EcdsaP256)]
    [InlineData(KeyAlgorithm.Rsa2048, KeyAlgorithm.Rsa2048)]
    [InlineData(KeyAlgorithm.Rsa2048, KeyAlgorithm.EcdsaP256)]
    [InlineData(KeyAlgorithm.EcdsaP256, KeyAlgorithm.Rsa2048)]
    public async Task Leaf_ByEveryTrust_IsAcceptedWhereAWayLeadsToIt(KeyAlgorithm former, KeyAlgorithm next)
    {
        using var rotation = new Rotation(former, next);
        using var withoutCrossCertificate = Samples.Load(rotation.NewRoot);
        using var oldLeaf = rotation.Old.Issue(Samples.Server(), Samples.Clock);
        using var newLeaf = withoutCrossCertificate.Issue(Samples.Server(), Samples.Clock);
        using var crossCertificated = rotation.New.Issue(Samples.Server(), Samples.Clock);

        Assert.Equal("old yes, both yes, new no", await AskAsync(oldLeaf, rotation));
        Assert.Equal("old no, both yes, new yes", await AskAsync(newLeaf, rotation));
        Assert.Equal("old yes, both yes, new yes", await AskAsync(crossCertificated, rotation));
    }

    [Fact]
    public async Task CrossCertificates_OfTwoRotations_LeadFromTheFirstRoot()
    {
        using var first = new Rotation();
        using var thirdRoot = Samples.NewRoot();
        using var withoutCrossCertificate = Samples.Load(thirdRoot);
        using var third = Samples.LoadCrossCertificated(
            thirdRoot, first.New.CrossCertificateTo(withoutCrossCertificate, Samples.Clock), first.CrossCertificate);
        using var leaf = third.Issue(Samples.Server(), Samples.Clock);

        foreach (var trust in new[] { first.OldTrust, first.NewTrust, third.TrustBundle })
            Assert.True(await Handshake.SucceedsAsync(leaf, trust, "registry"));
    }

    private static async Task<string> AskAsync(CertificateKeyPair leaf, Rotation rotation)
    {
        var answers = new List<string>();
        foreach (var (name, trust) in new[] { ("old", rotation.OldTrust), ("both", rotation.BothTrust), ("new", rotation.NewTrust) })
            answers.Add($"{name} {(await Handshake.SucceedsAsync(leaf, trust, "127.0.0.1") ? "yes" : "no")}");
        return string.Join(", ", answers);
    }
}

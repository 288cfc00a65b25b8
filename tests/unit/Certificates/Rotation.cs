using CapiRegistryHook.Certificates;

namespace CapiRegistryHook.Unit.Tests.Certificates;

/// <summary>A root, its successor, and the cross-certificate from the one to the other.</summary>
internal sealed class Rotation : IDisposable
{
    public Rotation(KeyAlgorithm former = KeyAlgorithm.EcdsaP256, KeyAlgorithm? next = null)
    {
        OldRoot = Samples.NewRoot(former);
        NewRoot = Samples.NewRoot(next ?? former);
        Old = Samples.Load(OldRoot);
        using var withoutCrossCertificate = Samples.Load(NewRoot);
        CrossCertificate = Old.CrossCertificateTo(withoutCrossCertificate, Samples.Clock);
        New = Samples.LoadCrossCertificated(NewRoot, CrossCertificate);
    }

    public CertificateKeyPair OldRoot { get; }

    public CertificateKeyPair NewRoot { get; }

    public string CrossCertificate { get; }

    /// <summary>The root before the rotation.</summary>
    public CertificateAuthority Old { get; }

    /// <summary>The successor, which serves the cross-certificate.</summary>
    public CertificateAuthority New { get; }

    public TrustBundle OldTrust => Old.TrustBundle;

    public TrustBundle NewTrust => New.TrustBundle;

    public TrustBundle BothTrust => OldTrust.Add(NewTrust);

    public void Dispose()
    {
        Old.Dispose();
        New.Dispose();
        OldRoot.Dispose();
        NewRoot.Dispose();
    }
}

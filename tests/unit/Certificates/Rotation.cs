using CapiRegistryHook.Certificates;

namespace CapiRegistryHook.Unit.Tests.Certificates;

/// <summary>A root, its successor, and the bridge from the one to the other.</summary>
internal sealed class Rotation : IDisposable
{
    public Rotation(KeyAlgorithm former = KeyAlgorithm.EcdsaP256, KeyAlgorithm? next = null)
    {
        OldRoot = Samples.NewRoot(former);
        NewRoot = Samples.NewRoot(next ?? former);
        Old = Samples.Load(OldRoot);
        using var unbridged = Samples.Load(NewRoot);
        Bridge = Old.BridgeTo(unbridged, Samples.Clock);
        New = Samples.LoadBridged(NewRoot, Bridge);
    }

    public CertificateKeyPair OldRoot { get; }

    public CertificateKeyPair NewRoot { get; }

    public string Bridge { get; }

    /// <summary>The root before the rotation.</summary>
    public CertificateAuthority Old { get; }

    /// <summary>The successor, which serves the bridge.</summary>
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

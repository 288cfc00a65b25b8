namespace CapiRegistryHook.Certificates;

/// <summary>The kinds of key that are generated. More can be read; see <see cref="CertificateAuthority.Load"/>.</summary>
public enum KeyAlgorithm
{
    /// <summary>ECDSA on the curve P-256: the default, since a key costs microseconds where RSA-2048 costs a tenth of a second.</summary>
    EcdsaP256,

    /// <summary>RSA with a modulus of 2048 bits.</summary>
    Rsa2048,

    /// <summary>RSA with a modulus of 3072 bits.</summary>
    Rsa3072,

    /// <summary>RSA with a modulus of 4096 bits.</summary>
    Rsa4096,
}

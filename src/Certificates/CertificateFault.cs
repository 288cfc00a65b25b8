namespace CapiRegistryHook.Certificates;

/// <summary>What is wrong with certificate or key material that was handed in.</summary>
public enum CertificateFault
{
    /// <summary>There is no certificate in the input, or one of its blocks is damaged or is not an X.509 certificate.</summary>
    Unreadable,

    /// <summary>There is no private key in the input, or it is damaged.</summary>
    UnreadableKey,

    /// <summary>The private key is protected by a password, which this product never has.</summary>
    EncryptedKey,

    /// <summary>The private key is readable but belongs to another certificate.</summary>
    KeyMismatch,

    /// <summary>
    /// The certificate may not sign server certificates: no CA, no keyCertSign, or an extended key usage or path length that excludes
    /// them.
    /// </summary>
    NotAnAuthority,

    /// <summary>The key is neither RSA of 2048 to 8192 bits nor EC on P-256, P-384 or P-521.</summary>
    UnsupportedKey,

    /// <summary>The input is larger than its cap in <see cref="PemLimits"/>.</summary>
    TooLarge,

    /// <summary>The input holds more certificates than its cap in <see cref="PemLimits"/>.</summary>
    TooMany,

    /// <summary>The certificate is not self-signed and no self-signed root in the trust bundle anchors it.</summary>
    NotAnchored,

    /// <summary>The issuer, or a certificate above it, has expired or is not valid yet.</summary>
    IssuerExpired,

    /// <summary>The issuer, or a certificate above it, has a critical extension that TLS clients do not process.</summary>
    UnsupportedExtension,

    /// <summary>A client that trusts the authority's bundle would reject what it issues for these names.</summary>
    RejectedByClients,

    /// <summary>An encrypted private key can't be decrypted: another passphrase or key, or damaged.</summary>
    Undecryptable,

    /// <summary>A private key is encrypted in another way than this product encrypts.</summary>
    UnsupportedEncryption,

    /// <summary>What a private key is to be encrypted for, or decrypted with, is not an RSA key of 2048 to 8192 bits.</summary>
    UnsupportedRecipient,
}

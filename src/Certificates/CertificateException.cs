namespace CapiRegistryHook.Certificates;

/// <summary>
/// Certificate or key material can't be used. The message is a fixed sentence for each <see cref="Fault"/>, fit for a condition on a
/// Kubernetes object: no bytes of the input, no inner exception, the same text every time.
/// </summary>
public sealed class CertificateException : Exception
{
    internal CertificateException(CertificateFault fault)
        : base(Sentence(fault)) => Fault = fault;

    /// <summary>What is wrong.</summary>
    public CertificateFault Fault { get; }

    private static string Sentence(CertificateFault fault) => fault switch
    {
        CertificateFault.Unreadable => "The certificate can't be read: it must be one or more undamaged PEM blocks labelled CERTIFICATE.",
        CertificateFault.UnreadableKey =>
            "The private key can't be read: it must be an undamaged PEM block in PKCS#8, PKCS#1 or SEC1 form.",
        CertificateFault.EncryptedKey => "The private key is encrypted: store it without a password.",
        CertificateFault.KeyMismatch => "The private key does not belong to the certificate.",
        CertificateFault.NotAnAuthority =>
            "The certificate may not sign server certificates: it must be a CA with the key usage keyCertSign, and"
            + " neither an extended key usage nor a path length on its path may exclude them.",
        CertificateFault.UnsupportedKey =>
            "The key is of an unsupported type: use RSA with 2048 to 8192 bits or EC on P-256, P-384 or P-521.",
        CertificateFault.TooLarge => "The PEM text is too large.",
        CertificateFault.TooMany => "The PEM text holds too many certificates.",
        CertificateFault.NotAnchored => "The certificate is not self-signed and no self-signed root in its trust bundle anchors it.",
        CertificateFault.IssuerExpired => "The issuing certificate, or one above it, is not valid at this time.",
        CertificateFault.UnsupportedExtension =>
            "The certificate, or one above it, has a critical extension that TLS clients do not process, "
                + "so they would reject everything that it issues.",
        CertificateFault.RejectedByClients =>
            "TLS clients would reject the server certificate that it issues: the authority's name constraints, or another restriction on"
            + " its path, exclude a name that the certificate needs.",
        CertificateFault.Undecryptable =>
            "The encrypted private key can't be decrypted: it needs another passphrase or key, or it is damaged.",
        CertificateFault.UnsupportedEncryption =>
            "The private key is encrypted in an unsupported way: "
                + "use PBES2 with PBKDF2, SHA-256 and AES-256-CBC, or CMS with RSA-OAEP, SHA-256 and AES-256-CBC.",
        CertificateFault.UnsupportedRecipient => "The recipient's key is of an unsupported type: use RSA with 2048 to 8192 bits.",
        _ => throw new ArgumentOutOfRangeException(nameof(fault), fault, "This fault has no sentence."),
    };
}

namespace CapiRegistryHook.Certificates;

/// <summary>Encrypts a private key for a file, in a standard form that other tools read too.</summary>
public interface IKeyProtection : IDisposable
{
    /// <summary>Encrypts a private key.</summary>
    /// <param name="privateKeyPem">The key, as PEM in any form that this product reads.</param>
    /// <returns>One PEM block with a final newline. It is not secret.</returns>
    /// <exception cref="CertificateException">The key can't be read.</exception>
    string Encrypt(ReadOnlySpan<byte> privateKeyPem);

    /// <summary>Decrypts what <see cref="Encrypt"/> returned.</summary>
    /// <param name="encryptedPem">A text whose first block is the encrypted key.</param>
    /// <returns>PKCS#8 PEM with a final newline, in a pinned array that the caller zeroes.</returns>
    /// <exception cref="CertificateException">
    /// <see cref="CertificateFault.Undecryptable"/>, <see cref="CertificateFault.UnsupportedEncryption"/>, or
    /// <see cref="CertificateFault.TooLarge"/>.
    /// </exception>
    byte[] Decrypt(ReadOnlySpan<byte> encryptedPem);
}

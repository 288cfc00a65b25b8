using System.Formats.Asn1;
using System.Security.Cryptography;

namespace CapiRegistryHook.Certificates;

internal enum SignatureVerdict
{
    Valid,
    Invalid,
    UnknownAlgorithm,
}

/// <summary>
/// Verifies one certificate's signature with another's key, and nothing else. The platform's chain engine can't do that alone: it also
/// checks times, picks the issuer itself when two share a name, and builds no partial chains under a custom trust.
/// </summary>
internal static class CertificateSignature
{
    public static SignatureVerdict Check(Certificate certificate, Certificate issuer)
    {
        try
        {
            // Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue } (RFC 5280 section 4.1)
            var fields = new AsnReader(certificate.Der, AsnEncodingRules.DER).ReadSequence();
            var signed = fields.ReadEncodedValue();
            var algorithm = fields.ReadSequence().ReadObjectIdentifier();
            var signature = fields.ReadBitString(out _);
            return algorithm switch
            {
                "1.2.840.113549.1.1.11" => Rsa(issuer, signed, signature, HashAlgorithmName.SHA256),
                "1.2.840.113549.1.1.12" => Rsa(issuer, signed, signature, HashAlgorithmName.SHA384),
                "1.2.840.113549.1.1.13" => Rsa(issuer, signed, signature, HashAlgorithmName.SHA512),
                "1.2.840.10045.4.3.2" => Ec(issuer, signed, signature, HashAlgorithmName.SHA256),
                "1.2.840.10045.4.3.3" => Ec(issuer, signed, signature, HashAlgorithmName.SHA384),
                "1.2.840.10045.4.3.4" => Ec(issuer, signed, signature, HashAlgorithmName.SHA512),
                _ => SignatureVerdict.UnknownAlgorithm,
            };
        }
        catch (Exception exception) when (exception is CryptographicException or AsnContentException or PlatformNotSupportedException)
        {
            // The issuer's key is of another kind than the signature or on an unknown curve, or the encoding is broken: either way it did
            // not sign this.
            return SignatureVerdict.Invalid;
        }
    }

    private static SignatureVerdict Rsa(Certificate issuer, ReadOnlyMemory<byte> signed, byte[] signature, HashAlgorithmName hash)
    {
        using var key = RSA.Create();
        key.ImportSubjectPublicKeyInfo(issuer.PublicKeyInfo, out _);
        return Verdict(key.VerifyData(signed.Span, signature, hash, RSASignaturePadding.Pkcs1));
    }

    private static SignatureVerdict Ec(Certificate issuer, ReadOnlyMemory<byte> signed, byte[] signature, HashAlgorithmName hash)
    {
        using var key = ECDsa.Create();
        key.ImportSubjectPublicKeyInfo(issuer.PublicKeyInfo, out _);
        return Verdict(key.VerifyData(signed.Span, signature, hash, DSASignatureFormat.Rfc3279DerSequence));
    }

    private static SignatureVerdict Verdict(bool valid) => valid ? SignatureVerdict.Valid : SignatureVerdict.Invalid;
}

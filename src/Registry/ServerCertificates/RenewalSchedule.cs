using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using CapiRegistryHook.Certificates;

namespace CapiRegistryHook.Registry.ServerCertificates;

/// <summary>
/// When the reconciler renews a certificate: after two thirds of its life, and up to a thirtieth of the life later. What was issued on
/// one day is so not renewed on one day; a certificate of two years has 24 days for it, and eight months left before its end.
/// </summary>
internal static class RenewalSchedule
{
    private const int JitterShare = 30;

    /// <summary>The same cluster always gets the same place within the jitter, so every replica comes to the same moment.</summary>
    public static DateTimeOffset TimeOf(CertificateRecord certificate, string uid)
    {
        var life = certificate.NotAfter - certificate.NotBefore;
        var due = ReissuePolicy.RenewalTime(certificate.NotBefore, certificate.NotAfter);
        return life > TimeSpan.Zero ? due + (life / JitterShare * PlaceOf(uid)) : due;
    }

    /// <summary>A number in [0, 1) that is spread evenly over uids.</summary>
    public static double PlaceOf(string uid) =>
        BinaryPrimitives.ReadUInt32LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(uid))) / (uint.MaxValue + 1.0);
}

using System.Diagnostics;
using System.Net;
using System.Text;
using CapiRegistryHook.Certificates;

namespace CapiRegistryHook.Benchmarks;

/// <summary>
/// What a mass renewal costs: many server certificates of one root, with as many names as a registry of two replicas has.
/// </summary>
internal static class Issuing
{
    public const int Certificates = 2000;

    private const int Runs = 3;

    /// <summary>The CPU seconds of each run.</summary>
    public static IReadOnlyList<double> Measure(TimeProvider time)
    {
        using var root = CertificateAuthority.CreateRoot(
            new RootRequest("registry-addon", KeyAlgorithm.EcdsaP256, TimeSpan.FromDays(3650)), time);
        using var authority = CertificateAuthority.Load(Encoding.ASCII.GetBytes(root.CertificatePem), root.PrivateKeyPem.Span, []);
        var names = ServerNames.Create(Enumerable.Range(0, 20).Select(index => $"registry-{index}.registry-system.svc.cluster.local"),
            [IPAddress.Loopback, IPAddress.IPv6Loopback]);
        var request = new ServerCertificateRequest("registry", names, KeyAlgorithm.EcdsaP256, TimeSpan.FromDays(730));
        authority.Issue(request, time).Dispose();
        return [.. Enumerable.Range(0, Runs).Select(_ => MeasureOnce(authority, request, time))];
    }

    private static double MeasureOnce(CertificateAuthority authority, ServerCertificateRequest request, TimeProvider time)
    {
        using var process = Process.GetCurrentProcess();
        var before = process.TotalProcessorTime;
        for (var count = 0; count < Certificates; count++)
            authority.Issue(request, time).Dispose();
        process.Refresh();
        return (process.TotalProcessorTime - before).TotalSeconds;
    }
}

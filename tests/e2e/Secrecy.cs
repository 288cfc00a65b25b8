using System.Text;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>Nothing that opens a door may be in a log.</summary>
internal static class Secrecy
{
    public static void AssertNoSecretIn(string log, TestEnvironment environment)
    {
        Assert.NotEmpty(log);
        string[] forbidden =
        [
            "PRIVATE KEY", "BEGIN CERTIFICATE", "tls.key\":", "client-key-data",
            environment.Management.Token, environment.Workload.Token,
            Convert.ToBase64String(Encoding.ASCII.GetBytes("-----BEGIN PRIVATE KEY-----"))[..32],
            Convert.ToBase64String(Encoding.UTF8.GetBytes(environment.Workload.Kubeconfig))[..64],
        ];
        foreach (var secret in forbidden)
            Assert.DoesNotContain(secret, log, StringComparison.Ordinal);
    }
}

using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>The objects that make up a cluster's registry, as an admin sees them on the API servers.</summary>
internal sealed partial record RegistryState(
    JsonObject? Root, JsonObject? Trust, JsonObject? Certificate, JsonObject? ChartProxy, JsonObject Cluster)
{
    /// <summary>Reads against the order in which they are written: what is there relies on objects that are read after it.</summary>
    public static async Task<RegistryState> ReadAsync(
        TestEnvironment environment, TestCluster cluster, CancellationToken cancellationToken)
    {
        var management = environment.ManagementObjects;
        var chart = await management.FindAsync(AdminClient.ChartProxies(cluster.Namespace), $"{cluster.Name}-registry", cancellationToken);
        var certificate = await environment.WorkloadObjects.FindAsync(
            AdminClient.Secrets("registry-system"), "registry-tls", cancellationToken);
        var trust = await management.FindAsync(
            AdminClient.Secrets(cluster.Namespace), $"{cluster.Name}-registry-addon-ca", cancellationToken);
        var root = await management.FindAsync(AdminClient.Secrets(HookService.Namespace), "registry-addon-root-ca", cancellationToken);
        return new RegistryState(root, trust, certificate, chart,
            await management.GetAsync(AdminClient.Clusters(cluster.Namespace), cluster.Name, cancellationToken));
    }

    /// <summary>The resourceVersion of every object that is there.</summary>
    public IReadOnlyList<string> Versions =>
        [.. new[] { Root, Trust, Certificate, ChartProxy, Cluster }.OfType<JsonObject>()
            .Select(item => $"{item["metadata"]!["name"]}@{item["metadata"]!["resourceVersion"]}")];

    public static string Text(JsonObject secret, string key) =>
        Encoding.UTF8.GetString(Convert.FromBase64String((string)secret["data"]![key]!));

    public X509Certificate2 ReadCertificate() => X509Certificate2.CreateFromPem(Text(Certificate!, "tls.crt"));

    /// <summary>
    /// Serial number as the chart's values have it: lower-case hex, without the zero byte that DER puts before a high bit.
    /// </summary>
    public string Serial
    {
        get
        {
            using var certificate = ReadCertificate();
            var serial = certificate.SerialNumber.ToLowerInvariant();
            return serial.StartsWith("00", StringComparison.Ordinal) ? serial[2..] : serial;
        }
    }

    /// <summary>True when the server certificate chains to the cluster CA Secret, fits its key, and answers to the name.</summary>
    public bool Verifies(string host)
    {
        using var certificate = ReadCertificate();
        using var pair = X509Certificate2.CreateFromPem(Text(Certificate!, "tls.crt"), Text(Certificate!, "tls.key"));
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.CustomTrustStore.ImportFromPem(Text(Trust!, "ca.crt"));
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid("1.3.6.1.5.5.7.3.1"));
        return pair.HasPrivateKey && chain.Build(certificate)
            && certificate.MatchesHostname(host, allowWildcards: false, allowCommonName: false);
    }

    /// <summary>
    /// What must be the same whenever and however often the hooks ran: everything but names, keys, serials and times, which are
    /// replaced by what is true of them.
    /// </summary>
    public string Describe(TestCluster cluster)
    {
        using var certificate = ReadCertificate();
        var lifetime = (certificate.NotAfter - certificate.NotBefore).TotalDays.ToString("F0", CultureInfo.InvariantCulture);
        var text = string.Join('\n',
            $"root keys {Keys(Root)} type {Root!["type"]}",
            $"trust keys {Keys(Trust)} type {Trust!["type"]} labels {Trust["metadata"]!["labels"]!.ToJsonString()} owners "
                + $"{Trust["metadata"]!["ownerReferences"]!.ToJsonString()}",
            $"trust is root {Text(Trust, "ca.crt") == Text(Root, "tls.crt")}",
            $"certificate keys {Keys(Certificate)} type {Certificate!["type"]} days {lifetime} annotations "
                + $"{Certificate["metadata"]!["annotations"]?.ToJsonString()}",
            $"certificate trust is the cluster's {Text(Certificate, "ca.crt") == Text(Trust, "ca.crt")}",
            $"certificate verifies {Verifies("10.128.0.20")} {Verifies("registry-1.registry-headless.registry-system.svc.cluster.local")}",
            $"chart labels {ChartProxy!["metadata"]!["labels"]!.ToJsonString()} owners "
                + $"{ChartProxy["metadata"]!["ownerReferences"]!.ToJsonString()}",
            $"chart {ChartProxy["spec"]!.ToJsonString()}",
            $"cluster labels {Cluster["metadata"]!["labels"]?.ToJsonString()} annotations "
                + $"{Cluster["metadata"]!["annotations"]?.ToJsonString()}");
        return text.Replace(Serial, "<serial>", StringComparison.Ordinal)
            .Replace(cluster.Uid, "<uid>", StringComparison.Ordinal)
            .Replace(cluster.Name, "<cluster>", StringComparison.Ordinal);
    }

    /// <summary>The serial number in the values of the HelmChartProxy.</summary>
    public string ChartSerial => SerialInValues().Match((string)ChartProxy!["spec"]!["valuesTemplate"]!).Groups[1].Value;

    private static string Keys(JsonObject? secret) =>
        string.Join(',', ((JsonObject)secret!["data"]!).Select(entry => entry.Key).Order(StringComparer.Ordinal));

    [GeneratedRegex("certificateSerial: \"([0-9a-f]+)\"")]
    private static partial Regex SerialInValues();
}

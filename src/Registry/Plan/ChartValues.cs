using System.Text.Json.Nodes;

namespace CapiRegistryHook.Registry;

/// <summary>The Helm values that a plan gives the registry chart. No secret goes in: the add-on provider logs them.</summary>
internal static class ChartValues
{
    /// <param name="plan">The plan.</param>
    /// <param name="certificateSerial">
    /// Serial number of the server certificate. It becomes a pod annotation, so that a new certificate rolls the pods:
    /// CNCF Distribution reads its key pair once, at start.
    /// </param>
    public static JsonObject Build(RegistryPlan plan, string certificateSerial) => new()
    {
        ["fullnameOverride"] = RegistryNames.Registry,
        ["replicas"] = plan.Replicas,
        ["clusterDomain"] = plan.ServiceDomain,
        ["tls"] = new JsonObject
        {
            ["secretName"] = RegistryNames.CertificateSecret,
            ["certificateSerial"] = certificateSerial,
        },
        ["service"] = Service(plan.Addresses.Pull),
        ["primaryService"] = Service(plan.Addresses.Primary),
    };

    private static JsonObject Service(IReadOnlyList<System.Net.IPAddress> addresses) => new()
    {
        ["port"] = RegistryNames.Port,
        ["ipFamilyPolicy"] = addresses.Count > 1 ? "RequireDualStack" : "SingleStack",
        ["ipFamilies"] = new JsonArray([.. addresses.Select(address =>
            JsonValue.Create(address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? "IPv4" : "IPv6"))]),
        ["clusterIPs"] = new JsonArray([.. addresses.Select(address => JsonValue.Create(address.ToString()))]),
    };
}

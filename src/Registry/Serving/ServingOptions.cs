using System.Net;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Serving;

/// <summary>How the service issues its own serving certificate. The Secrets are in <see cref="RegistryOptions.HookNamespace"/>.</summary>
public sealed record ServingOptions
{
    /// <summary>How long the authority is valid: 10 years. It is rotated after half of them.</summary>
    internal static readonly TimeSpan AuthorityLifetime = TimeSpan.FromDays(3650);

    /// <summary>
    /// How long a serving certificate is valid: 90 days. It is renewed after two thirds of them, so an API server may be down for a month,
    /// and alerts two weeks ahead of expiry stay silent.
    /// </summary>
    internal static readonly TimeSpan CertificateLifetime = TimeSpan.FromDays(90);

    /// <summary>
    /// How long a former authority stays in the published bundle: as long as a replica that no longer reaches the API server may serve a
    /// certificate signed by it.
    /// </summary>
    internal static readonly TimeSpan KeptPublished = CertificateLifetime + TimeSpan.FromHours(1);

    /// <summary>How long a new authority is published before it signs when there is no ExtensionConfig to read.</summary>
    internal static readonly TimeSpan BlindWait = TimeSpan.FromDays(1);

    /// <summary>The DNS names and addresses by which clients call the service; at least one.</summary>
    public IReadOnlyList<string> Names { get; init; } = [];

    /// <summary>The Secret with the authority and its key; created when absent, and read only by this service.</summary>
    public string AuthoritySecretName { get; init; } = "capi-registry-hook-ca";

    /// <summary>
    /// The Secret with <c>ca.crt</c>, which clients trust: Cluster API and the add-on provider for Helm read it.
    /// </summary>
    public string PublicSecretName { get; init; } = "capi-registry-hook-tls";

    /// <summary>
    /// The ExtensionConfig whose <c>caBundle</c> must contain a new authority before it signs; empty when there is none.
    /// </summary>
    public string ExtensionConfig { get; init; } = "";

    /// <summary>
    /// The MutatingWebhookConfiguration whose <c>caBundle</c> must contain a new authority too before it signs; empty when there is none.
    /// </summary>
    public string Webhook { get; init; } = "";

    /// <summary>A problem for every invalid value; empty when all are valid.</summary>
    public IEnumerable<Problem> Validate()
    {
        if (Names.Count == 0)
            yield return Bad(nameof(Names), "", "give the names by which clients call the service");
        foreach (var name in Names.Where(name => !IsUsable(name)))
            yield return Bad(nameof(Names), name, "use DNS names and IP addresses, separated by commas");
        if (!KubernetesNames.IsSubdomain(AuthoritySecretName))
            yield return Bad(nameof(AuthoritySecretName), AuthoritySecretName, "use the name of a Secret");
        if (!KubernetesNames.IsSubdomain(PublicSecretName) || PublicSecretName == AuthoritySecretName)
            yield return Bad(nameof(PublicSecretName), PublicSecretName, "use the name of a Secret that is not the authority's");
        if (ExtensionConfig.Length > 0 && !KubernetesNames.IsSubdomain(ExtensionConfig))
            yield return Bad(nameof(ExtensionConfig), ExtensionConfig, "use the name of an ExtensionConfig, or nothing");
    }

    internal ServerCertificateRequest ToRequest(KeyAlgorithm algorithm)
    {
        var addresses = Names.Select(name => ServiceRange.TryParseAddress(name, out var address) ? address : null).OfType<IPAddress>();
        var dnsNames = Names.Where(name => !ServiceRange.TryParseAddress(name, out _));
        return new ServerCertificateRequest("capi-registry-hook", ServerNames.Create(dnsNames, addresses), algorithm, CertificateLifetime);
    }

    private static bool IsUsable(string name) =>
        ServiceRange.TryParseAddress(name, out var address) ? ServerNames.IsUsable(address) : ServerNames.IsUsable(name);

    private static Problem Bad(string property, string value, string remedy) =>
        new(property, $"has the value {FieldText.Quote(value)}; {remedy}.");
}

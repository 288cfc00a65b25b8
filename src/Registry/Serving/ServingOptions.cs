using System.Net;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Serving;

/// <summary>How the service makes its own serving certificate. The Secrets lie in <see cref="RegistryOptions.HookNamespace"/>.</summary>
public sealed record ServingOptions
{
    /// <summary>How long the authority is valid: 10 years. It is replaced after half of them.</summary>
    internal static readonly TimeSpan AuthorityLifetime = TimeSpan.FromDays(3650);

    /// <summary>
    /// How long a serving certificate is valid: 90 days. It is renewed after two thirds, so that an API server may be gone for a month,
    /// and alerts
    /// that look two weeks ahead stay silent.
    /// </summary>
    internal static readonly TimeSpan CertificateLifetime = TimeSpan.FromDays(90);

    /// <summary>
    /// How long an authority stays in the published bundle after it has stopped signing: as long as anything signed by it may be served,
    /// by a replica that
    /// no API server could reach since.
    /// </summary>
    internal static readonly TimeSpan KeptPublished = CertificateLifetime + TimeSpan.FromHours(1);

    /// <summary>How long a new authority is published before it signs, where nothing can be asked for what clients trust.</summary>
    internal static readonly TimeSpan BlindWait = TimeSpan.FromDays(1);

    /// <summary>The DNS names and addresses that clients call the service by; at least one.</summary>
    public IReadOnlyList<string> Names { get; init; } = [];

    /// <summary>The Secret with the authority and its key; made when it is absent, and read by nobody but this service.</summary>
    public string AuthoritySecretName { get; init; } = "capi-registry-hook-ca";

    /// <summary>
    /// The Secret with <c>ca.crt</c>, what clients have to trust: Cluster API and the add-on provider for Helm follow it.
    /// </summary>
    public string PublicSecretName { get; init; } = "capi-registry-hook-tls";

    /// <summary>
    /// The ExtensionConfig whose <c>caBundle</c> must hold a new authority before it signs; empty when there is none to ask.
    /// </summary>
    public string ExtensionConfig { get; init; } = "";

    /// <summary>Every value that can't be used, each with a sentence; empty when all is well.</summary>
    public IEnumerable<Problem> Validate()
    {
        if (Names.Count == 0)
            yield return Bad(nameof(Names), "", "name what clients call the service by");
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

namespace CapiRegistryHook.Harness;

/// <summary>What a client's certificate says.</summary>
/// <param name="CommonName">The subject's common name.</param>
public sealed record ClientIdentity(string CommonName)
{
    /// <summary>The purpose of a client's certificate.</summary>
    public const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    /// <summary>The purpose of a server's certificate.</summary>
    public const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";

    /// <summary>A DNS name beside the common name.</summary>
    public string? DnsName { get; init; }

    /// <summary>A URI beside the common name.</summary>
    public Uri? Uri { get; init; }

    /// <summary>What the certificate is for.</summary>
    public string Usage { get; init; } = ClientAuthentication;

    /// <summary>When it begins; null for its authority's own begin, an hour ago.</summary>
    public DateTimeOffset? NotBefore { get; init; }

    /// <summary>When it ends; null for its authority's own end.</summary>
    public DateTimeOffset? NotAfter { get; init; }
}

namespace CapiRegistryHook.Kubernetes.Objects;

/// <summary>meta/v1 Status, the API server's answer when it says no.
/// https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/</summary>
internal sealed record ApiStatus
{
    public string? Kind { get; init; }
    public string? Status { get; init; }
    public string? Message { get; init; }
    public string? Reason { get; init; }
    public int? Code { get; init; }
    public ApiStatusDetails? Details { get; init; }
}

/// <summary>What a Status is about.</summary>
internal sealed record ApiStatusDetails
{
    public string? Name { get; init; }
    public string? Kind { get; init; }
    public int? RetryAfterSeconds { get; init; }
}

/// <summary>The metadata of a list.</summary>
internal sealed record ListMeta
{
    public string? ResourceVersion { get; init; }
    public string? Continue { get; init; }
}

/// <summary>The metadata of any object; a bookmark has the resourceVersion alone.</summary>
internal sealed record PartialObject : IKubernetesObject
{
    public string? ApiVersion { get; init; }
    public string? Kind { get; init; }
    public ObjectMeta Metadata { get; init; } = new();
}

/// <summary>What an exec plugin prints: client.authentication.k8s.io ExecCredential.</summary>
internal sealed record ExecCredential
{
    public string? ApiVersion { get; init; }
    public string? Kind { get; init; }
    public ExecCredentialStatus? Status { get; init; }

    public override string ToString() => nameof(ExecCredential);
}

/// <summary>The credential itself; never printed.</summary>
internal sealed record ExecCredentialStatus
{
    public DateTimeOffset? ExpirationTimestamp { get; init; }
    public string? Token { get; init; }
    public string? ClientCertificateData { get; init; }

    public override string ToString() => nameof(ExecCredentialStatus);
}

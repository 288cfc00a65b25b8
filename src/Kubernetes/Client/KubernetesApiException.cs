namespace CapiRegistryHook.Kubernetes.Client;

/// <summary>Why a call to an API server failed.</summary>
public enum KubernetesFault
{
    /// <summary>Something else, for example a 400 or a 405.</summary>
    Other,

    /// <summary>The object, its namespace or its kind is not there.</summary>
    NotFound,

    /// <summary>A creation found an object of that name.</summary>
    AlreadyExists,

    /// <summary>The object is not the version or the one the call was made for, or another manager owns a field.</summary>
    Conflict,

    /// <summary>The version or the page asked for is no longer kept.</summary>
    Gone,

    /// <summary>The object does not pass validation, or a patch does not fit it.</summary>
    Invalid,

    /// <summary>The caller may not do this.</summary>
    Forbidden,

    /// <summary>The caller's credential is missing, refused, or could not be got.</summary>
    Unauthorized,

    /// <summary>The server asks to slow down.</summary>
    TooManyRequests,

    /// <summary>The server is there and cannot answer now (5xx).</summary>
    Unavailable,

    /// <summary>No answer within the client's own limit.</summary>
    Timeout,

    /// <summary>No connection: name, route, refused, broken off, or a TLS handshake that failed.</summary>
    Unreachable,

    /// <summary>The server's certificate is not for this name or not from the cluster's CA.</summary>
    UntrustedServer,

    /// <summary>The server's address is one that this client may not connect to.</summary>
    AddressRefused,

    /// <summary>What came back is not an answer of an API server: it is not JSON, too large, or a redirect.</summary>
    BadResponse,
}

/// <summary>A call to an API server that failed. The message names the object and the reason and never holds bodies, tokens or
/// data.</summary>
public sealed class KubernetesApiException : Exception
{
    /// <summary>A failed call.</summary>
    /// <param name="fault">Why it failed.</param>
    /// <param name="resource">What it was about, as in <c>secrets ns/name</c>.</param>
    /// <param name="detail">What happened, one clause without secrets.</param>
    /// <param name="innerException">The cause below, if any.</param>
    public KubernetesApiException(KubernetesFault fault, string resource, string detail, Exception? innerException = null)
        : base($"{resource}: {detail}", innerException)
    {
        Fault = fault;
        Resource = resource;
    }

    /// <summary>Why the call failed.</summary>
    public KubernetesFault Fault { get; }

    /// <summary>The HTTP status code; null when there was no answer.</summary>
    public int? StatusCode { get; init; }

    /// <summary>The machine-readable reason of the server's Status, as in <c>AlreadyExists</c>; null when there was no Status.</summary>
    public string? Reason { get; init; }

    /// <summary>What the call was about, as in <c>secrets ns/name</c>.</summary>
    public string Resource { get; }

    /// <summary>How long the server asked to wait; null when it did not.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>True when the same call may well succeed later without anybody changing anything.</summary>
    public bool IsTransient =>
        Fault is KubernetesFault.TooManyRequests or KubernetesFault.Unavailable or KubernetesFault.Timeout or KubernetesFault.Unreachable;

    /// <summary>The name of the object the server's Status is about; tells a missing object from a missing kind.</summary>
    internal string? StatusName { get; init; }

    /// <summary>True when the answer is larger than the client reads.</summary>
    internal bool IsTooLarge { get; init; }

    /// <summary>True when the request can't have reached the server, so that even a creation may be tried again.</summary>
    internal bool NeverSent { get; init; }
}

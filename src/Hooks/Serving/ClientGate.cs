using CapiRegistryHook.Hooks.Contract;
using CapiRegistryHook.Hooks.Operations;
using CapiRegistryHook.Registry.Serving;
using Microsoft.AspNetCore.Connections.Features;

namespace CapiRegistryHook.Hooks.Serving;

/// <summary>
/// Lets nobody to a hook without a client certificate of the right authority and name, where that is asked for. The handshake
/// has refused false certificates already, but it lets those through who show none: the add-on provider for Helm fetches the
/// chart without one, so does the kubelet ask for health, and an API server shows none to a webhook unless every one of them is
/// configured to. Every path that is not theirs is closed, also one that does not
/// exist.
/// </summary>
internal sealed partial class ClientGate(
    ClientAuthority authority, ListenOptions options, RefusedCallers refused, TimeProvider time, ILogger<ClientGate> logger)
{
    /// <summary>Who floods the port must not flood the log.</summary>
    private static readonly TimeSpan LogInterval = TimeSpan.FromSeconds(10);

    private static readonly string[] OpenPaths = ["/v2", "/healthz", "/readyz", AdmissionReview.Path];

    private long _loggedAt = long.MinValue;

    public static void Use(WebApplication app)
    {
        if (!app.Services.GetRequiredService<ClientAuthority>().IsRequired)
            return;
        var gate = app.Services.GetRequiredService<ClientGate>();
        app.Use((http, next) => gate.JudgeAsync(http, next));
    }

    internal Task JudgeAsync(HttpContext http, RequestDelegate next)
    {
        if (OpenPaths.Any(path => http.Request.Path.StartsWithSegments(path, StringComparison.Ordinal)))
            return next(http);
        return FindObstacle(http) is { } reason ? RefuseAsync(http, reason) : next(http);
    }

    private RefusedReason? FindObstacle(HttpContext http)
    {
        if (ClientCertificate.Of(http.Connection.ClientCertificate) is not { } certificate)
            return RefusedReason.NoCertificate;
        if (!IsStillTrusted(http, certificate))
            return RefusedReason.Untrusted;
        return options.ClientNames.Count == 0 || certificate.HasNameIn(options.ClientNames) ? null : RefusedReason.Name;
    }

    /// <summary>
    /// A connection may live for hours. The handshake's verdict holds until the certificate ends or the authority is replaced;
    /// then the certificate is looked at again. Intermediates came with the handshake alone, so a caller that needs them is refused
    /// once and asked to connect anew.
    /// </summary>
    private bool IsStillTrusted(HttpContext http, ClientCertificate certificate)
    {
        var trust = authority.Current;
        var now = time.GetUtcNow();
        var caller = http.Features.Get<ClientConnection>();
        if (caller is null || certificate.HasExpired(now))
            return false;
        if (caller.VerifiedBy == trust)
            return true;
        if (!trust.Trusts(certificate, now))
            return false;
        caller.VerifiedBy = trust;
        return true;
    }

    private Task RefuseAsync(HttpContext http, RefusedReason reason)
    {
        refused.Add(reason);
        if (MayLog())
            LogRefused(http.Connection.RemoteIpAddress?.ToString(), SentenceOf(reason));
        if (reason == RefusedReason.Untrusted)
            http.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
        return HookEndpoint.RefuseAsync(http, StatusCodes.Status403Forbidden, SentenceOf(reason));
    }

    private bool MayLog()
    {
        var last = Interlocked.Read(ref _loggedAt);
        return (last == long.MinValue || time.GetElapsedTime(last) >= LogInterval)
            && Interlocked.CompareExchange(ref _loggedAt, time.GetTimestamp(), last) == last;
    }

    private static string SentenceOf(RefusedReason reason) => reason switch
    {
        RefusedReason.NoCertificate => "Callers of this path must show a client certificate.",
        RefusedReason.Untrusted => "The client certificate has expired, or is not from the CA that is required now.",
        _ => "The client certificate has no name that may call here.",
    };

    [LoggerMessage(Level = LogLevel.Warning, Message = "Refused a caller from {Address}: {Reason} Such lines come at most every 10 s.")]
    private partial void LogRefused(string? address, string reason);
}

/// <summary>What the handshake leaves at the connection for the requests on it.</summary>
internal sealed class ClientConnection(ClientTrust verifiedBy)
{
    private volatile ClientTrust _verifiedBy = verifiedBy;

    /// <summary>The authority that the caller's certificate was last seen to be of.</summary>
    public ClientTrust VerifiedBy
    {
        get => _verifiedBy;
        set => _verifiedBy = value;
    }
}

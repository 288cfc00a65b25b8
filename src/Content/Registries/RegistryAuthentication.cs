using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Content.Registries;

/// <summary>
/// Answers challenges: with the login itself (Basic), or with a token from the server that the registry names (Bearer). The login goes to
/// these two only, over TLS, and tokens are kept per scope until they run out.
/// </summary>
internal sealed class RegistryAuthentication(HttpClient http, Uri address, RegistryOptions options) : IDisposable
{
    private const int LargestToken = 256 << 10;

    private static readonly TimeSpan DefaultLife = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<string,
        (AuthenticationHeaderValue Header, DateTimeOffset Until)> _headers = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _one = new(1);

    /// <summary>What is sent with a request; null before the first challenge.</summary>
    public AuthenticationHeaderValue? For(string scope) =>
        _headers.TryGetValue(scope, out var known) && known.Until > options.Time.GetUtcNow() ? known.Header : null;

    /// <summary>Answers a challenge.</summary>
    /// <returns>True when a request with <see cref="For"/> may succeed now.</returns>
    public async Task<bool> AnswerAsync(HttpResponseMessage response, string scope, CancellationToken cancellationToken)
    {
        var sent = response.RequestMessage?.Headers.Authorization;
        var challenges = response.Headers.TryGetValues("WWW-Authenticate", out var headers) ? headers
            .Select(Challenge.Parse).OfType<Challenge>().ToList() : [];
        await _one.WaitAsync(cancellationToken);
        try
        {
            // Another call may have got a new token meanwhile.
            if (For(scope) is { } known && !Equals(known, sent))
                return true;
            var header = challenges.Find(challenge => challenge.Scheme == "bearer") is { } bearer
                ? await TokenAsync(bearer, scope, cancellationToken)
                : challenges.Exists(challenge => challenge.Scheme == "basic") ? await BasicAsync(cancellationToken) : null;
            if (header is not { } found || Equals(found.Header, sent))
                return false;
            _headers[scope] = found;
            return true;
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose() => _one.Dispose();

    private async Task<(AuthenticationHeaderValue Header, DateTimeOffset Until)?> BasicAsync(CancellationToken cancellationToken) =>
        await LoginAsync(cancellationToken) is { IdentityToken: null } login ? (Basic(login), DateTimeOffset.MaxValue) : null;

    private async Task<(AuthenticationHeaderValue Header, DateTimeOffset Until)?> TokenAsync(Challenge challenge, string scope,
        CancellationToken cancellationToken)
    {
        var realm = Realm(challenge);
        var service = challenge.Parameters.GetValueOrDefault("service", "");
        var login = await LoginAsync(cancellationToken);
        using var request = login?.IdentityToken is { } identity
            ? new HttpRequestMessage(HttpMethod.Post, realm) { Content = Exchange(identity, service, scope) }
            : new HttpRequestMessage(HttpMethod.Get, WithQuery(realm, service, scope));
        if (login is { IdentityToken: null })
            request.Headers.Authorization = Basic(login);
        using var response = await SendAsync(request, cancellationToken);
        if (!response.IsSuccessStatusCode)
            throw new RegistryException($"{realm.Authority} gave no token for {address.Authority}: it answered "
                + $"{(int)response.StatusCode}; check the login for {LoginName}.") { Status = response.StatusCode };
        return Read(await response.ReadBodyAsync(LargestToken, options, cancellationToken), realm);
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        using var deadline = new ProgressDeadline(options, cancellationToken);
        try
        {
            return await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, deadline.Token);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new RegistryException($"{request.RequestUri?.Authority} gave no token for {address.Authority} within "
                + $"{options.Timeout.TotalSeconds:F0} s.", exception) { IsTransient = true };
        }
    }

    // With TLS to the registry the login never leaves TLS.
    private Uri Realm(Challenge challenge)
    {
        var text = challenge.Parameters.GetValueOrDefault("realm", "");
        if (!Uri.TryCreate(text, UriKind.Absolute, out var realm) || realm.UserInfo.Length > 0
            || (realm.Scheme != Uri.UriSchemeHttps && !(realm.Scheme == address.Scheme && realm.Authority == address.Authority)))
            throw new RegistryException($"{address.Authority} wants tokens from '{Digest.Shorten(text)}', which is not an https address.");
        return realm;
    }

    private static Uri WithQuery(Uri realm, string service, string scope)
    {
        var scopes = string.Concat(scope.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(one => $"&scope={Uri.EscapeDataString(one)}"));
        var query = $"{realm.Query.TrimStart('?')}&service={Uri.EscapeDataString(service)}{scopes}";
        return new UriBuilder(realm) { Query = query.TrimStart('&') }.Uri;
    }

    private static FormUrlEncodedContent Exchange(string identity, string service, string scope) => new(new Dictionary<string, string>
    {
        ["grant_type"] = "refresh_token",
        ["service"] = service,
        ["scope"] = scope,
        ["client_id"] = "capi-registry-hook",
        ["refresh_token"] = identity,
    });

    private (AuthenticationHeaderValue Header, DateTimeOffset Until) Read(ReadOnlyMemory<byte> body, Uri realm)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            var root = document.RootElement;
            var token = root.ValueKind == JsonValueKind.Object ? DescriptorJson.Text(root, "token")
                ?? DescriptorJson.Text(root, "access_token") : null;
            if (token is not { Length: > 0 } || !token.All(character => character is > ' ' and < '\x7F'))
                throw new RegistryException($"{realm.Authority} answered without a token for {address.Authority}.");
            var life = root.TryGetProperty("expires_in", out var seconds) && seconds.ValueKind == JsonValueKind.Number
                && seconds.TryGetInt32(out var number) && number > 0 ? TimeSpan.FromSeconds(number) : DefaultLife;
            return (new AuthenticationHeaderValue("Bearer", token),
                options.Time.GetUtcNow() + (life > 2 * Margin ? life - Margin : life / 2));
        }
        catch (JsonException exception)
        {
            throw new RegistryException($"{realm.Authority} answered with something else than a token for {address.Authority}.", exception);
        }
    }

    private string LoginName => options.LoginName ?? address.Authority;

    private async Task<Login?> LoginAsync(CancellationToken cancellationToken) =>
        options.Logins is null ? null : await options.Logins.FindAsync(LoginName, cancellationToken);

    private static AuthenticationHeaderValue Basic(Login login) =>
        new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{login.Username}:{login.Password}")));
}

using System.Net;
using System.Net.Http.Headers;
using CapiRegistryHook.Content.Sources;

namespace CapiRegistryHook.Content.Registries;

/// <summary>One request to a registry.</summary>
/// <param name="Method">The method.</param>
/// <param name="Target">The address: absolute, or relative to the registry's.</param>
/// <param name="Scope">What a token must allow, for example <c>repository:a/b:pull</c>.</param>
internal sealed record RegistryCall(HttpMethod Method, Uri Target, string Scope)
{
    /// <summary>Makes the body anew for each try; null for none.</summary>
    public Func<ProgressDeadline, HttpContent>? Content { get; init; }

    /// <summary>The types that are accepted.</summary>
    public IReadOnlyList<string> Accept { get; init; } = [];

    /// <summary>The first byte that is wanted; 0 for all.</summary>
    public long Offset { get; init; }

    /// <summary>False when a second try must be decided by the caller.</summary>
    public bool Retries { get; init; } = true;
}

/// <summary>Sends requests: logs in when asked to, waits and tries again, follows redirects of downloads.</summary>
internal sealed class RegistryCalls(HttpClient http, Uri address, RegistryOptions options) : IDisposable
{
    private const int MostRedirects = 5;

    private readonly RegistryAuthentication _authentication = new(http, address, options);

    public Uri Address => address;

    public RegistryOptions Options => options;

    /// <summary>Sends a request; the answer may be of any status.</summary>
    /// <exception cref="RegistryException">There is no answer, after all tries.</exception>
    public async Task<HttpResponseMessage> SendAsync(RegistryCall call, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            TimeSpan? asked = null;
            try
            {
                var response = await SendOnceAsync(call, cancellationToken);
                // 429 says that nothing was done, so that may be sent again whatever it is.
                var mayRetry = call.Retries || response.StatusCode == HttpStatusCode.TooManyRequests;
                if (!RegistryAnswers.IsTransient((int)response.StatusCode) || !mayRetry || attempt >= options.Retry.Attempts)
                    return response;
                asked = RetryAfter(response);
                response.Dispose();
            }
            catch (Exception exception) when (RetryPolicy.IsTransient(exception))
            {
                if (!call.Retries || attempt >= options.Retry.Attempts)
                    throw Unreachable(exception);
            }

            await Task.Delay(options.Retry.DelayAfter(attempt, asked), options.Time, cancellationToken);
        }
    }

    /// <summary>Does a call again whose answer broke off.</summary>
    public async Task<T> RetryAsync<T>(Func<Task<T>> call, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await call();
            }
            catch (Exception exception) when (exception is IOException or HttpRequestException && attempt < options.Retry.Attempts)
            {
                await Task.Delay(options.Retry.DelayAfter(attempt), options.Time, cancellationToken);
            }
        }
    }

    /// <summary>An address that the registry gave: it must be the registry's own.</summary>
    /// <exception cref="RegistryException">It is missing or of another host.</exception>
    public Uri Own(Uri? given, Uri from)
    {
        var target = given is not null && Uri.TryCreate(new Uri(address, from), given, out var resolved) ? resolved : null;
        if (target is null || target.Host != address.Host || target.Scheme is not ("https" or "http")
            || (target.Port != address.Port && !target.IsDefaultPort))
            throw new RegistryException($"{address.Authority} sent an upload or a page to "
                + $"{(target is null ? "no address" : target.Authority)}, which is not its own.");
        // A registry behind a proxy may not know that it is called by TLS.
        return new UriBuilder(target) { Scheme = address.Scheme, Port = address.Port }.Uri;
    }

    public void Dispose() => _authentication.Dispose();

    private async Task<HttpResponseMessage> SendOnceAsync(RegistryCall call, CancellationToken cancellationToken)
    {
        var response = await SendOneAsync(call, new Uri(address, call.Target), cancellationToken);
        // Only the registry itself may ask who we are.
        if (response.StatusCode == HttpStatusCode.Unauthorized && IsOwn(new Uri(address, call.Target))
            && await _authentication.AnswerAsync(response, call.Scope, cancellationToken))
        {
            response.Dispose();
            response = await SendOneAsync(call, new Uri(address, call.Target), cancellationToken);
        }

        for (var redirects = 0; IsRedirect(response) && (call.Method == HttpMethod.Get || call.Method == HttpMethod.Head); redirects++)
        {
            var target = Redirect(response, redirects);
            response.Dispose();
            response = await SendOneAsync(call, target, cancellationToken);
        }

        return response;
    }

    private async Task<HttpResponseMessage> SendOneAsync(RegistryCall call, Uri target, CancellationToken cancellationToken)
    {
        using var deadline = new ProgressDeadline(options, cancellationToken);
        using var request = new HttpRequestMessage(call.Method, target) { Content = call.Content?.Invoke(deadline) };
        // Another host is told nothing: it gets the address that the registry signed for it.
        if (IsOwn(target))
            request.Headers.Authorization = _authentication.For(call.Scope);
        foreach (var type in call.Accept)
            request.Headers.Accept.ParseAdd(type);
        if (call.Offset > 0)
            request.Headers.Range = new RangeHeaderValue(call.Offset, null);
        request.Headers.UserAgent.ParseAdd("capi-registry-hook");
        try
        {
            return await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, deadline.Token);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new RegistryException($"{target.Authority} gave no answer within {options.Timeout.TotalSeconds:F0} s.",
                exception) { IsTransient = true };
        }
    }

    private Uri Redirect(HttpResponseMessage response, int redirects)
    {
        var isValid = Uri.TryCreate(response.RequestMessage!.RequestUri!, response.Headers.Location, out var target)
            && target.UserInfo.Length == 0 && (target.Scheme == Uri.UriSchemeHttps || IsOwn(target));
        if (redirects >= MostRedirects || response.Headers.Location is null || !isValid)
            throw new RegistryException($"{address.Authority} redirects a download to nowhere, too often, or away from TLS.");
        return target!;
    }

    // The same host without TLS is another one.
    private bool IsOwn(Uri target) => target.Scheme == address.Scheme && target.Authority == address.Authority;

    private static bool IsRedirect(HttpResponseMessage response) => (int)response.StatusCode is 301 or 302 or 303 or 307 or 308;

    private TimeSpan? RetryAfter(HttpResponseMessage response) =>
        response.Headers.RetryAfter is not { } after ? null : after.Delta ?? after.Date - options.Time.GetUtcNow();

    private RegistryException Unreachable(Exception exception) =>
        exception as RegistryException
            ?? new RegistryException($"{address.Authority} can't be reached: {exception.Message}", exception) { IsTransient = true };
}

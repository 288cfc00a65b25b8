using System.Net;
using System.Net.Http.Headers;
using CapiRegistryHook.Kubernetes.Connection;

namespace CapiRegistryHook.Kubernetes.Client;

/// <summary>
/// Sends calls: credential, limits, retries, and the typed exception when all of that did not help. Calls share a number of slots, so that
/// a burst does not open a connection per call; streams (watches, port-forwards) take none, however many there are.
/// </summary>
internal sealed class ApiTransport : IDisposable
{
    private readonly ClusterConnection _connection;
    private readonly KubernetesClientOptions _options;
    private readonly RetryPolicy _retries;
    private readonly TimeProvider _time;
    private readonly HttpMessageInvoker _http;
    private readonly string _root;
    private readonly string? _host;
    private readonly SemaphoreSlim _slots;
    private readonly bool _ownsConnection = true;
    private volatile bool _disposed;

    public ApiTransport(ClusterConnection connection, KubernetesClientOptions options, TimeProvider time)
    {
        options.Validate();
        _connection = connection;
        _options = options;
        _time = time;
        _retries = new RetryPolicy(options);
        _root = connection.Server.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped).TrimEnd('/')
            + "/";
        _host = ConnectionHandler.HostHeader(connection);
        _http = new HttpMessageInvoker(options.CreateHandler(connection));
        _slots = new SemaphoreSlim(options.MaxCallsInFlight);
    }

    private ApiTransport(ApiTransport owner)
    {
        (_connection, _options, _time, _retries) = (owner._connection, owner._options, owner._time, owner._retries);
        (_root, _host, _http) = (owner._root, owner._host, owner._http);
        _slots = new SemaphoreSlim(_options.MaxCallsInFlight);
        _ownsConnection = false;
    }

    /// <summary>The same server and identity with slots of its own; to be disposed never, or before this one.</summary>
    public ApiTransport WithOwnSlots() => new(this);

    /// <summary>Sends a call until it succeeds, bears no repetition, or runs out of time.</summary>
    /// <returns>The body of the successful answer.</returns>
    public async Task<ReadOnlyMemory<byte>> SendAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var elapsed = TimeSpan.Zero;
        for (var attempt = 1; ; attempt++)
        {
            // Not part of the call's time: it says how busy this client is, nothing about the server. Each call that is ahead is limited.
            await _slots.WaitAsync(cancellationToken);
            var start = _time.GetTimestamp();
            TimeSpan? pause;
            try
            {
                var body = await AttemptAsync(request, Remaining(elapsed), cancellationToken);
                _options.OnAttempt?.Invoke(null);
                return body;
            }
            catch (KubernetesApiException failure)
            {
                _options.OnAttempt?.Invoke(failure.Fault);
                elapsed += _time.GetElapsedTime(start);
                pause = _retries.PauseAfter(request.Repeat, failure, attempt, elapsed, Random.Shared.NextDouble());
                if (pause is null)
                    throw;
            }
            finally
            {
                _slots.Release();
            }

            await Task.Delay(pause.Value, _time, cancellationToken);
            elapsed += pause.Value;
        }
    }

    /// <summary>Opens a stream: one attempt, limited up to the header. The caller disposes the answer.</summary>
    public async Task<HttpResponseMessage> OpenAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = new(_options.CallTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        HttpResponseMessage? response = null;
        try
        {
            response = await SendWithCredentialAsync(request, either.Token);
            await ThrowIfFailedAsync(request, response, either.Token);
            return response;
        }
        catch (Exception exception)
        {
            response?.Dispose();
            if (Translate(request.Resource, exception, _options.CallTimeout, limit.Token, cancellationToken) is { } translated)
                throw translated;
            throw;
        }
    }

    public void Dispose()
    {
        _disposed = true;
        if (!_ownsConnection)
            return;
        _http.Dispose();
        _connection.Dispose();
    }

    /// <summary>The typed exception of anything that can go wrong under way; null for what is to be thrown as it is.</summary>
    public static Exception? Translate(
        string resource, Exception exception, TimeSpan limit, CancellationToken limited, CancellationToken cancellationToken) =>
            exception switch
    {
        KubernetesApiException or ObjectDisposedException => null,
        _ when cancellationToken.IsCancellationRequested => new OperationCanceledException(null, exception, cancellationToken),
        OperationCanceledException or IOException or HttpRequestException when limited.IsCancellationRequested =>
            ApiExceptions.TimedOut(resource, limit, exception),
        OperationCanceledException or IOException or HttpRequestException or CredentialException =>
            ApiExceptions.OfConnection(resource, exception),
        _ => null,
    };

    private async Task<ReadOnlyMemory<byte>> AttemptAsync(ApiRequest request, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = new(timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            using var response = await SendWithCredentialAsync(request, either.Token);
            await ThrowIfFailedAsync(request, response, either.Token);
            var most = request.MostBytes ?? _options.MaxResponseBytes;
            return await BoundedBody.ReadAsync(response.Content, most, either.Token) is { } body && !BoundedBody.IsCrowded(body.Span, most)
                ? body : throw ApiExceptions.TooLarge(request.Resource);
        }
        catch (Exception exception) when (Translate(request.Resource, exception, timeout, limit.Token, cancellationToken) is { } translated)
        {
            throw translated;
        }
    }

    // A 401 says that nothing was done, so any call may be sent a second time with a fresh credential; once, since a credential
    // that is refused when it is fresh will be refused again.
    private async Task<HttpResponseMessage> SendWithCredentialAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        if (_connection.Credentials is not { } credentials)
            return await SendOnceAsync(request, null, cancellationToken);
        var token = await credentials.GetTokenAsync(cancellationToken);
        var response = await SendOnceAsync(request, token, cancellationToken);
        if (response.StatusCode != HttpStatusCode.Unauthorized || !credentials.Refuse(token))
            return response;
        response.Dispose();
        return await SendOnceAsync(request, await credentials.GetTokenAsync(cancellationToken), cancellationToken);
    }

    private async Task<HttpResponseMessage> SendOnceAsync(ApiRequest request, string? token, CancellationToken cancellationToken)
    {
        using HttpRequestMessage message = new(request.Method, _root + request.Path)
        {
            Version = HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = request.CreateContent(),
        };
        message.Headers.Host = _host;
        message.Headers.TryAddWithoutValidation("User-Agent", _options.UserAgent);
        if (request.Upgrade is { } ask)
            ask(message.Headers);
        else
            message.Headers.TryAddWithoutValidation("Accept", request.Accept);
        if (token is not null)
            message.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return await _http.SendAsync(message, cancellationToken);
    }

    private async Task ThrowIfFailedAsync(ApiRequest request, HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.IsSuccessStatusCode || (request.Upgrade is not null && response.StatusCode == HttpStatusCode.SwitchingProtocols))
            return;
        var body = await BoundedBody.ReadAsync(response.Content, BoundedBody.ErrorLimit, cancellationToken);
        var status = ApiExceptions.ReadStatus((body ?? default).Span);
        if (request.HoldsSecrets)
            status = ApiExceptions.WithoutQuotes(status, (int)response.StatusCode);
        throw ApiExceptions.OfAnswer(request.Resource, (int)response.StatusCode, RetryAfter(response.Headers.RetryAfter), status);
    }

    private TimeSpan? RetryAfter(RetryConditionHeaderValue? header)
    {
        var asked = header?.Delta ?? header?.Date - _time.GetUtcNow();
        return asked < TimeSpan.Zero ? TimeSpan.Zero : asked;
    }

    private TimeSpan Remaining(TimeSpan elapsed)
    {
        var left = _options.TotalTimeout - elapsed;
        return left < _options.CallTimeout ? TimeSpan.FromTicks(Math.Max(left.Ticks, TimeSpan.TicksPerMillisecond)) : _options.CallTimeout;
    }
}

using System.Net;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace CapiRegistryHook.Harness.Embedded;

/// <summary>
/// The same API server as <see cref="EmbeddedApiServer"/> without a network: for hundreds of clusters and years of calls in one test.
/// No TLS, no watches over a broken connection; everything else answers as there.
/// </summary>
public sealed class InProcessApi
{
    // Enough for the list that is under way; a watch that falls behind lists again.
    private const int HistoryLimit = 256;

    private readonly FaultRules _faults = new();
    private readonly ApiEndpoint _endpoint;
    private readonly CallLog _calls = new(keep: false);

    /// <param name="address">The host that clients name; nothing listens there.</param>
    /// <param name="time">Where timestamps come from.</param>
    /// <param name="namespaces">Those that are there from the beginning.</param>
    public InProcessApi(Uri address, TimeProvider time, params string[] namespaces)
    {
        Address = address;
        Token = RandomNumberGenerator.GetHexString(32, lowercase: true);
        (Store, Time) = (new ObjectStore(HistoryLimit), time);
        _endpoint = new ApiEndpoint(Token, Store, time, _calls, _faults, new PodForwarding());
        FirstNamespaces.Create(Store, time, namespaces);
    }

    internal ObjectStore Store { get; }

    internal TimeProvider Time { get; }

    /// <summary>What clients call it.</summary>
    public Uri Address { get; }

    /// <summary>The bearer token that it takes.</summary>
    public string Token { get; }

    /// <summary>Calls for resources answered so far.</summary>
    public long CallCount => _calls.Count;

    /// <summary>Asks <paramref name="rule"/> about every call from now on; null lets the call pass.</summary>
    public void InjectFault(Func<RecordedRequest, Fault?> rule) => _faults.Add(rule);

    /// <summary>The way of one client; disposing it ends nothing.</summary>
    public HttpMessageHandler CreateHandler() => new Way(_endpoint);

    private sealed class Way(ApiEndpoint endpoint) : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var lifetime = new Lifetime(cancellationToken);
            var context = new DefaultHttpContext();
            context.Features.Set<IHttpRequestLifetimeFeature>(lifetime);
            await FillAsync(context.Request, request, cancellationToken);
            using var body = new MemoryStream();
            context.Response.Body = body;
            await endpoint.HandleAsync(context, cancellationToken);
            if (lifetime.IsAborted)
                throw new HttpRequestException(
                    HttpRequestError.ResponseEnded, "The connection was dropped.", new IOException("The connection was dropped."));
            return Answer(context.Response, body.ToArray(), request);
        }

        private static async Task FillAsync(HttpRequest to, HttpRequestMessage from, CancellationToken cancellationToken)
        {
            to.Method = from.Method.Method;
            to.Path = from.RequestUri!.AbsolutePath;
            to.QueryString = new QueryString(from.RequestUri.Query);
            foreach (var (name, values) in from.Headers.NonValidated)
                to.Headers[name] = values.ToArray();
            if (from.Content is null)
                return;
            to.ContentType = from.Content.Headers.ContentType?.ToString();
            to.Body = await from.Content.ReadAsStreamAsync(cancellationToken);
        }

        private static HttpResponseMessage Answer(HttpResponse from, byte[] body, HttpRequestMessage request)
        {
            var answer = new HttpResponseMessage(
                (HttpStatusCode)from.StatusCode) { Content = new ByteArrayContent(body), RequestMessage = request };
            answer.Content.Headers.TryAddWithoutValidation("Content-Type", from.ContentType);
            if (from.Headers.RetryAfter.Count > 0)
                answer.Headers.TryAddWithoutValidation("Retry-After", from.Headers.RetryAfter.ToString());
            return answer;
        }
    }

    private sealed class Lifetime(CancellationToken cancellationToken) : IHttpRequestLifetimeFeature
    {
        public CancellationToken RequestAborted { get; set; } = cancellationToken;

        public bool IsAborted { get; private set; }

        public void Abort() => IsAborted = true;
    }
}

using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using CapiRegistryHook.Hooks.Operations;

namespace CapiRegistryHook.Hooks.Contract;

/// <summary>
/// The HTTP around every handler: reads and caps the body, keeps the handler's time limit, and writes an answer in every
/// case, and counts it. What breaks the contract is a 4xx with a fixed sentence, what should not happen a 500 with a fixed body.
/// </summary>
internal sealed partial class HookEndpoint(HookMetrics metrics, TimeProvider time, ILogger<HookEndpoint> logger)
{
    /// <summary>Cluster API stops listening at the registered timeout; the answer must be on its way before that.</summary>
    private static readonly TimeSpan AnswerMargin = TimeSpan.FromSeconds(2);

    /// <summary>Every line that is logged below a call says which call it was.</summary>
    private static readonly Func<ILogger, string, string, IDisposable?> CallScope = LoggerMessage.DefineScope<string, string>(
        "{Hook} {Cluster}");

    private readonly BodyMemory _bodies = BodyMemory.ForHooks();
    private readonly BodyMemory _admissions = BodyMemory.ForAdmission();

    public Task DiscoverAsync(HttpContext http, DiscoveryResponse response) =>
        AnswerAsync(http, HookRegistration.Discovery, async () =>
        {
            using var body = await ReadBodyAsync(http);
            HookRequest.RequireKind("Discovery", body.Written);
            await WriteAsync(http, StatusCodes.Status200OK, response, ContractJson.Default.DiscoveryResponse);
            return CallOutcome.Success;
        });

    public Task HandleAsync(HttpContext http, IHookHandler handler) =>
        AnswerAsync(http, handler.Registration.Hook, async () =>
        {
            var hook = handler.Registration.Hook;
            var request = await ReadAsync(hook, http);
            using var scope = CallScope(logger, hook, request.Cluster.DisplayName);
            var outcome = await RunAsync(handler, request, http.RequestAborted);
            var response = outcome.ToResponse(hook);
            LogAnswered(
                LogLevel.Information, hook, request.Cluster.DisplayName, response.Status, response.RetryAfterSeconds ?? 0,
                response.Message);
            await WriteAsync(http, StatusCodes.Status200OK, response, ContractJson.Default.HookResponse);
            return outcome.Kind;
        });

    public Task HandleAsync(HttpContext http, ITopologyHandler handler) =>
        AnswerAsync(http, handler.Registration.Hook, async () =>
        {
            using var body = await ReadBodyAsync(http);
            using var response = new PooledBytes();
            var answer = handler.Answer(body.Written, response);
            // In every reconcile of every cluster: only what somebody has to do something about is worth a line.
            LogAnswered(answer.IsSuccess ? LogLevel.Debug : LogLevel.Information, handler.Registration.Hook, answer.Cluster, answer.Status,
                0, answer.Message);
            await WriteAsync(http, StatusCodes.Status200OK, response.Written);
            return answer.IsSuccess ? CallOutcome.Success : CallOutcome.Failure;
        });

    public Task AdmitAsync(HttpContext http, AdmissionHandler handler) =>
        AnswerAsync(http, AdmissionReview.Hook, async () =>
        {
            using var body = await HookBody.ReadAsync(http.Request, _admissions, time, http.RequestAborted);
            var answer = await handler(AdmissionReview.Read(body.Written), http.RequestAborted);
            LogAdmitted(answer.Patch is null && answer.Warnings is null ? LogLevel.Debug : LogLevel.Information, answer.Cluster,
                answer.Reason);
            await WriteAsync(
                http, StatusCodes.Status200OK, AdmissionReviewResponse.Of(answer), ContractJson.Default.AdmissionReviewResponse);
            return CallOutcome.Success;
        });

    private Task<HookBody> ReadBodyAsync(HttpContext http) => HookBody.ReadAsync(http.Request, _bodies, time, http.RequestAborted);

    private async Task<HookRequest> ReadAsync(string hook, HttpContext http)
    {
        using var body = await ReadBodyAsync(http);
        return HookRequest.Read(hook, body.Written);
    }

    private async Task<HookOutcome> RunAsync(IHookHandler handler, HookRequest request, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(handler.Registration.TimeoutSeconds) - AnswerMargin, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            return await handler.HandleAsync(request, either.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return handler.OutOfTime;
        }
    }

    private async Task AnswerAsync(HttpContext http, string hook, Func<Task<CallOutcome>> answer)
    {
        var started = time.GetTimestamp();
        // Stays when even a refusal can't be written any more.
        var outcome = CallOutcome.Aborted;
        try
        {
            outcome = await TryAnswerAsync(http, hook, answer);
        }
        finally
        {
            metrics.Of(hook).Record(outcome, time.GetElapsedTime(started));
        }
    }

    private async Task<CallOutcome> TryAnswerAsync(HttpContext http, string hook, Func<Task<CallOutcome>> answer)
    {
        try
        {
            return await answer();
        }
        catch (HookRequestException exception)
        {
            LogRefused(hook, exception.Message);
            await RefuseAsync(http, exception.StatusCode, exception.Message);
            return CallOutcome.Refused;
        }
        catch (BadHttpRequestException exception)
        {
            LogRefused(hook, "The request was cut off or is not valid HTTP.");
            await RefuseAsync(http, exception.StatusCode, "The body can't be read.");
            return CallOutcome.Refused;
        }
        catch (Exception exception)
            when (http.RequestAborted.IsCancellationRequested && exception is OperationCanceledException or IOException)
        {
            LogAborted(hook);
            return CallOutcome.Aborted;
        }
        catch (Exception exception)
        {
            LogUnexpected(hook, exception);
            await RefuseAsync(http, StatusCodes.Status500InternalServerError, "An unexpected fault; see the log of this service.");
            return CallOutcome.Error;
        }
    }

    public static async Task RefuseAsync(HttpContext http, int status, string sentence)
    {
        if (!http.Response.HasStarted)
            await WriteAsync(http, status, new ErrorBody(sentence), ContractJson.Default.ErrorBody);
    }

    private static Task WriteAsync<T>(HttpContext http, int status, T body, JsonTypeInfo<T> type) =>
        WriteAsync(http, status, JsonSerializer.SerializeToUtf8Bytes(body, type));

    private static async Task WriteAsync(HttpContext http, int status, ReadOnlyMemory<byte> bytes)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = bytes.Length;
        await http.Response.Body.WriteAsync(bytes, http.RequestAborted);
    }

    [LoggerMessage(Message = "Answered {Hook} for {Cluster}: {Status}, retry after {RetryAfterSeconds} s. {Sentence}")]
    private partial void LogAnswered(LogLevel level, string hook, string cluster, string status, int retryAfterSeconds, string sentence);

    [LoggerMessage(Message = "Auto-enable, new Cluster {Cluster}: {Sentence}")]
    private partial void LogAdmitted(LogLevel level, string cluster, string sentence);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Refused a request for {Hook}: {Sentence}")]
    private partial void LogRefused(string hook, string sentence);

    [LoggerMessage(Level = LogLevel.Information, Message = "The caller of {Hook} went away before the answer")]
    private partial void LogAborted(string hook);

    [LoggerMessage(Level = LogLevel.Error, Message = "Unexpected fault in {Hook}")]
    private partial void LogUnexpected(string hook, Exception exception);
}

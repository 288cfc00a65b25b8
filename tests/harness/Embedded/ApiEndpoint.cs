using System.Text;
using Microsoft.AspNetCore.Http;

namespace CapiRegistryHook.Harness.Embedded;

/// <summary>
/// The way of every request: who is it, does a fault befall it, what is the answer, and the note of it in the log of calls.
/// </summary>
internal sealed class ApiEndpoint(
    string token, ObjectStore store, TimeProvider time, CallLog calls, FaultRules faults, PodForwarding forwarding)
{
    private readonly ResourceRequests _resources = new(store, time);

    /// <param name="stopping">Ends the watches.</param>
    public async Task HandleAsync(HttpContext context, CancellationToken stopping)
    {
        var target = RequestTarget.Parse(context.Request);
        var call = RecordedRequest.Of(target);
        var fault = faults.Find(call);
        if (fault is null && forwarding.Handles(target) && IsKnown(context.Request))
        {
            calls.Add(call.Answered(StatusCodes.Status101SwitchingProtocols));
            await forwarding.HandleAsync(context, target, stopping);
            return;
        }

        if (fault is Fault.Hold hold) await hold.Until.WaitAsync(context.RequestAborted);
        var response = fault switch
        {
            Fault.Drop { AfterWork: false } => null,
            Fault.RawAnswer raw => new ApiResponse(raw.Code, Encoding.UTF8.GetBytes(raw.Body)) { ContentType = raw.ContentType },
            Fault.Answer answer =>
                ApiResponse.Error(new ApiError(answer.Code, answer.Reason, answer.Message)) with { RetryAfter = answer.RetryAfter },
            _ => await AnswerAsync(target, context.Request, stopping),
        };
        if (fault is Fault.Drop) response = null;

        // Before the answer goes out, so that whoever has it finds the call in the log.
        if (target.Resource is not null) calls.Add(call.Answered(response?.StatusCode ?? 0));
        if (response is null) context.Abort();
        else await response.WriteAsync(context);
    }

    private async Task<ApiResponse> AnswerAsync(RequestTarget target, HttpRequest request, CancellationToken stopping)
    {
        try
        {
            if (!IsPublic(request) && !IsKnown(request)) throw ApiError.Unauthorized();
            if (target.Resource is not null && IsServed(target)) return await _resources.AnswerAsync(target, request, stopping);
            return Discovery.Find(request.Path.Value!) ?? Unknown(request.Path.Value!);
        }
        catch (ApiError error)
        {
            return ApiResponse.Error(error);
        }
        catch (InvalidOperationException)
        {
            // A JSON value of another type than the one it was read as: nothing has been written yet.
            return ApiResponse.Error(ApiError.BadRequest("the object provided is unrecognized: a field has the wrong type"));
        }
    }

    private bool IsKnown(HttpRequest request) => request.Headers.Authorization == $"Bearer {token}";

    // Below a group that the core server has, it answers with a Status; elsewhere it is Go's own text.
    private static ApiResponse Unknown(string path) => path.StartsWith("/api/v1/", StringComparison.Ordinal)
        ? ApiResponse.Error(ApiError.NoSuchResource())
        : ApiResponse.Text(404, "404 page not found\n");

    // What system:public-info-viewer may see without a token.
    private static bool IsPublic(HttpRequest request) => request.Path.Value is "/readyz" or "/livez" or "/healthz" or "/version";

    private static bool IsServed(RequestTarget target) =>
        target.Subresource.Length == 0 || (target.Subresource == "status" && target.Resource!.Resource.StatusSubresource);
}

namespace CapiRegistryHook.Harness.Embedded;

/// <summary>What goes wrong with a call, instead of or before its right answer.</summary>
public abstract record Fault
{
    private Fault()
    {
    }

    /// <summary>Answers with a Status of this code and reason; nothing is read or written.</summary>
    public static Fault Status(int code, string reason, string message = "injected fault", TimeSpan? retryAfter = null) =>
        new Answer(code, reason, message, retryAfter);

    /// <summary>Answers with these bytes as they are, for bodies that no API server would send.</summary>
    public static Fault Raw(int code, string contentType, string body) => new RawAnswer(code, contentType, body);

    /// <summary>Drops the connection before anything is done.</summary>
    public static Fault DropBefore() => new Drop(AfterWork: false);

    /// <summary>Does the work, then drops the connection: the client can't know that it happened.</summary>
    public static Fault DropAfter() => new Drop(AfterWork: true);

    /// <summary>Holds the call until the task ends (or the client gives up), then answers as usual.</summary>
    public static Fault Delay(Task until) => new Hold(until);

    internal sealed record Answer(int Code, string Reason, string Message, TimeSpan? RetryAfter) : Fault;

    internal sealed record RawAnswer(int Code, string ContentType, string Body) : Fault;

    internal sealed record Drop(bool AfterWork) : Fault;

    internal sealed record Hold(Task Until) : Fault;
}

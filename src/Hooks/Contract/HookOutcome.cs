using CapiRegistryHook.Hooks.Operations;

namespace CapiRegistryHook.Hooks.Contract;

/// <summary>
/// How a handler answers. Only the two kinds below can be made, so a response without a status can't be written, and a hook that can't
/// block has no way to say so.
/// </summary>
internal abstract record HookOutcome
{
    private HookOutcome(CallOutcome kind, string message, int? retryAfterSeconds) =>
        (Kind, Message, RetryAfterSeconds) = (kind, message, retryAfterSeconds);

    /// <summary>How metrics count it.</summary>
    public CallOutcome Kind { get; }

    /// <summary>Empty, or a fixed sentence for conditions of the Cluster.</summary>
    public string Message { get; }

    /// <summary>Above 0 it blocks; null on hooks that can't.</summary>
    public int? RetryAfterSeconds { get; }

    /// <summary>The response that Cluster API reads.</summary>
    public HookResponse ToResponse(string hook) =>
        (Kind == CallOutcome.Failure ? HookResponse.Failure(hook, Message) : HookResponse.Success(hook, Message))
            with { RetryAfterSeconds = RetryAfterSeconds };

    /// <summary>The answer of a hook that Cluster API does not let block.</summary>
    public sealed record NonBlocking : HookOutcome
    {
        private NonBlocking(CallOutcome kind, string message)
            : base(kind, message, null)
        {
        }

        public static NonBlocking Proceed() => new(CallOutcome.Success, "");

        /// <summary>Proceeds; what could not be done now is done without another call.</summary>
        public static NonBlocking HandOver(string message) => new(CallOutcome.HandedOver, message);

        public static NonBlocking Fail(string reason) => new(CallOutcome.Failure, reason);
    }

    /// <summary>The answer of a hook that may hold Cluster API back.</summary>
    public sealed record Blocking : HookOutcome
    {
        private Blocking(CallOutcome kind, string message, int retryAfterSeconds = 0)
            : base(kind, message, retryAfterSeconds)
        {
        }

        public static Blocking Proceed() => new(CallOutcome.Success, "");

        /// <summary>Proceeds although something could not be done.</summary>
        public static Blocking LetGo(string message) => new(CallOutcome.LetGo, message);

        /// <param name="retryAfter">When Cluster API asks again at the latest; whole seconds, at least one.</param>
        /// <param name="reason">What is awaited.</param>
        public static Blocking Block(TimeSpan retryAfter, string reason)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(retryAfter, TimeSpan.FromSeconds(1));
            return new(CallOutcome.Blocked, reason, (int)retryAfter.TotalSeconds);
        }

        public static Blocking Fail(string reason) => new(CallOutcome.Failure, reason);
    }
}

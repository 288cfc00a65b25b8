using CapiRegistryHook.Hooks.Operations;

namespace CapiRegistryHook.Hooks.Contract;

/// <summary>
/// How a handler answers. The constructors are closed, so a response without a status can't be written, and a hook that
/// can't block has no way to say so.
/// </summary>
internal abstract record HookOutcome
{
    private HookOutcome()
    {
    }

    /// <summary>How metrics count it.</summary>
    public abstract CallOutcome Kind { get; }

    /// <summary>The response that Cluster API reads.</summary>
    public abstract HookResponse ToResponse(string hook);

    /// <summary>The answer of a hook that Cluster API does not let block.</summary>
    public abstract record NonBlocking : HookOutcome
    {
        private NonBlocking()
        {
        }

        public static NonBlocking Proceed(string message = "") => new Passed(message);

        /// <summary>Goes on; what could not be done now is done without another call.</summary>
        public static NonBlocking HandOver(string message) => new Postponed(message);

        public static NonBlocking Fail(string reason) => new Failed(reason);

        private sealed record Passed(string Message) : NonBlocking
        {
            public override CallOutcome Kind => CallOutcome.Success;

            public override HookResponse ToResponse(string hook) => HookResponse.Success(hook, Message);
        }

        private sealed record Postponed(string Message) : NonBlocking
        {
            public override CallOutcome Kind => CallOutcome.HandedOver;

            public override HookResponse ToResponse(string hook) => HookResponse.Success(hook, Message);
        }

        private sealed record Failed(string Reason) : NonBlocking
        {
            public override CallOutcome Kind => CallOutcome.Failure;

            public override HookResponse ToResponse(string hook) => HookResponse.Failure(hook, Reason);
        }
    }

    /// <summary>The answer of a hook that may hold Cluster API back.</summary>
    public abstract record Blocking : HookOutcome
    {
        private Blocking()
        {
        }

        public static Blocking Proceed(string message = "") => new Passed(message);

        /// <summary>Goes on though something could not be done.</summary>
        public static Blocking LetGo(string message) => new Released(message);

        /// <param name="retryAfter">When Cluster API asks again at the latest; whole seconds, at least one.</param>
        /// <param name="reason">What is awaited.</param>
        public static Blocking Block(TimeSpan retryAfter, string reason)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(retryAfter, TimeSpan.FromSeconds(1));
            return new Held(retryAfter, reason);
        }

        public static Blocking Fail(string reason) => new Failed(reason);

        private sealed record Passed(string Message) : Blocking
        {
            public override CallOutcome Kind => CallOutcome.Success;

            public override HookResponse ToResponse(string hook) => HookResponse.Success(hook, Message) with { RetryAfterSeconds = 0 };
        }

        private sealed record Released(string Message) : Blocking
        {
            public override CallOutcome Kind => CallOutcome.LetGo;

            public override HookResponse ToResponse(string hook) => HookResponse.Success(hook, Message) with { RetryAfterSeconds = 0 };
        }

        private sealed record Held(TimeSpan RetryAfter, string Reason) : Blocking
        {
            public override CallOutcome Kind => CallOutcome.Blocked;

            public override HookResponse ToResponse(string hook) =>
                HookResponse.Success(hook, Reason) with { RetryAfterSeconds = (int)RetryAfter.TotalSeconds };
        }

        private sealed record Failed(string Reason) : Blocking
        {
            public override CallOutcome Kind => CallOutcome.Failure;

            public override HookResponse ToResponse(string hook) => HookResponse.Failure(hook, Reason) with { RetryAfterSeconds = 0 };
        }
    }
}

namespace CapiRegistryHook.Hooks.Operations;

/// <summary>How a call ended, as metrics count it.</summary>
internal enum CallOutcome
{
    /// <summary>Answered: go on.</summary>
    Success,

    /// <summary>Answered: ask again later.</summary>
    Blocked,

    /// <summary>Answered: go on, though what was asked for could not be done.</summary>
    LetGo,

    /// <summary>Answered: go on; what could not be done now is done without another call.</summary>
    HandedOver,

    /// <summary>Answered: it failed, and why.</summary>
    Failure,

    /// <summary>The request was not what the contract says.</summary>
    Refused,

    /// <summary>The caller went away before the answer.</summary>
    Aborted,

    /// <summary>An unexpected fault.</summary>
    Error,
}

namespace CapiRegistryHook.Registry.Preflight;

/// <summary>What one check found.</summary>
/// <param name="Check">What was checked, as in <c>cluster-class</c>; the same in every version.</param>
/// <param name="Verdict">How it ended.</param>
/// <param name="Sentence">What is there.</param>
/// <param name="Remedy">What to do; null when nothing is to be done.</param>
public sealed record PreflightFinding(string Check, PreflightVerdict Verdict, string Sentence, string? Remedy)
{
    /// <summary>Nothing is in the way.</summary>
    public static PreflightFinding Pass(string check, string sentence) => new(check, PreflightVerdict.Passed, sentence, null);

    /// <summary>Something may become a problem, or can't be found out from here.</summary>
    public static PreflightFinding Warn(string check, string sentence, string remedy) =>
        new(check, PreflightVerdict.Warning, sentence, remedy);

    /// <summary>The registry will not come up, or will not work.</summary>
    public static PreflightFinding Fail(string check, string sentence, string remedy) =>
        new(check, PreflightVerdict.Failed, sentence, remedy);

    /// <summary>Not checked.</summary>
    public static PreflightFinding Skip(string check, string sentence) => new(check, PreflightVerdict.Skipped, sentence, null);
}

/// <summary>How a check ended.</summary>
public enum PreflightVerdict
{
    /// <summary>Nothing is in the way.</summary>
    Passed,

    /// <summary>Something may become a problem, or can't be found out from here.</summary>
    Warning,

    /// <summary>The registry will not come up, or will not work.</summary>
    Failed,

    /// <summary>Not checked, because what it is about is not there yet.</summary>
    Skipped,
}

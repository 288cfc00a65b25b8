namespace CapiRegistryHook.Hooks.Contract;

/// <summary>
/// Answers one hook of a topology from the body of the request alone. Cluster API calls these hooks in every reconcile of every
/// cluster, so they read nothing else, keep nothing, and give the same bytes for the same request.
/// </summary>
internal interface ITopologyHandler
{
    HookRegistration Registration { get; }

    /// <summary>Writes the whole response and says what it was, for the log.</summary>
    /// <param name="body">The request; valid during the call only.</param>
    /// <param name="response">Where the response goes.</param>
    /// <exception cref="HookRequestException">The body is not what the contract says.</exception>
    TopologyAnswer Answer(ReadOnlyMemory<byte> body, PooledBytes response);
}

/// <summary>What a topology hook answered.</summary>
/// <param name="Cluster">Namespace and name of the Cluster; empty where the request names none.</param>
/// <param name="Message">Why it failed; empty when it did not.</param>
internal readonly record struct TopologyAnswer(string Cluster, string Message)
{
    public bool IsSuccess => Message.Length == 0;

    public string Status => IsSuccess ? "Success" : "Failure";
}

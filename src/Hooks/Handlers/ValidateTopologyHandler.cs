using CapiRegistryHook.Hooks.Contract;
using CapiRegistryHook.Hooks.Topology;
using CapiRegistryHook.Registry.Nodes;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Hooks.Handlers;

/// <summary>
/// Refuses a topology whose registry can't work, with a sentence per problem. The lifecycle hooks say the same sentences, later.
/// Calling it twice is safe because nothing but the request is read.
/// </summary>
internal sealed class ValidateTopologyHandler(RegistryOptions options) : ITopologyHandler
{
    private const string Hook = "ValidateTopology";

    public HookRegistration Registration { get; } = new(Hook, timeoutSeconds: 10, FailurePolicy.Fail);

    public TopologyAnswer Answer(ReadOnlyMemory<byte> body, PooledBytes response)
    {
        var request = TopologyRequestReader.Read(Hook, body.Span, options.VariableName);
        var plans = new TopologyPlans(request, body, options, NodeFormat.V3, checksValues: true);
        return TopologyResponse.Write(Hook, request.Cluster, [.. plans.AllProblems()], response);
    }
}

using System.Text.Json;
using CapiRegistryHook.Hooks.Contract;
using CapiRegistryHook.Hooks.Topology;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Settings;

namespace CapiRegistryHook.Hooks.Handlers;

/// <summary>
/// Tells Cluster API the schema of the variable. It follows from the options alone, so the answer is the same for every
/// ClusterClass and every call.
/// </summary>
internal sealed class DiscoverVariablesHandler(RegistryOptions options) : ITopologyHandler
{
    private const string Hook = "DiscoverVariables";

    public HookRegistration Registration { get; } = new(Hook, timeoutSeconds: 10, FailurePolicy.Fail);

    public TopologyAnswer Answer(ReadOnlyMemory<byte> body, PooledBytes response)
    {
        HookRequest.RequireKind(Hook, body);
        return TopologyResponse.Write(Hook, null, [], response, WriteVariables);
    }

    private void WriteVariables(Utf8JsonWriter writer)
    {
        writer.WriteStartArray("variables");
        VariableSchema.Write(options.Variable).WriteTo(writer);
        writer.WriteEndArray();
    }
}

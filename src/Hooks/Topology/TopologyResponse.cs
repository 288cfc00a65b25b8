using System.Text.Json;
using CapiRegistryHook.Hooks.Contract;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Hooks.Topology;

/// <summary>The fields that every response of a topology hook has.</summary>
internal static class TopologyResponse
{
    /// <summary>Writes a response that is a success without problems, and a failure that names all of them otherwise.</summary>
    /// <param name="hook">The hook.</param>
    /// <param name="cluster">The Cluster of the request.</param>
    /// <param name="problems">What a user must change.</param>
    /// <param name="response">Where the response goes.</param>
    /// <param name="rest">Writes the fields beyond status and message.</param>
    public static TopologyAnswer Write(
        string hook, BuiltinCluster? cluster, IReadOnlyCollection<Problem> problems, PooledBytes response,
        Action<Utf8JsonWriter>? rest = null)
    {
        var answer = new TopologyAnswer(cluster?.DisplayName ?? "", Problem.Describe(problems));
        using var writer = new Utf8JsonWriter(response);
        writer.WriteStartObject();
        writer.WriteString("apiVersion", HookGroup.ApiVersion);
        writer.WriteString("kind", hook + "Response");
        writer.WriteString("status", answer.Status);
        writer.WriteString("message", answer.Message);
        rest?.Invoke(writer);
        writer.WriteEndObject();
        return answer;
    }
}

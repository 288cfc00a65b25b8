using System.Text.Json;
using CapiRegistryHook.Hooks.Contract;
using CapiRegistryHook.Hooks.Topology;
using CapiRegistryHook.Registry.Nodes;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Hooks.Handlers;

/// <summary>
/// Adds to the templates that nodes are made from what lets nodes trust the registry and pull through it. A failure names what a
/// user must change. Calling it twice is safe because only what a template lacks is added, and nothing but the request is read.
/// </summary>
/// <remarks>
/// The answers of a released version are fixed for ever: another byte in a template makes Cluster API replace nodes. A change gets a
/// version of its own beside them (docs/decisions/0015).
/// </remarks>
/// <param name="options">The admin's decisions.</param>
/// <param name="format">The version.</param>
internal sealed class GeneratePatchesHandler(RegistryOptions options, NodeFormat format) : ITopologyHandler
{
    private const string Hook = "GeneratePatches";

    public HookRegistration Registration { get; } = new(Hook, timeoutSeconds: 10, FailurePolicy.Fail, version: (int)format);

    public TopologyAnswer Answer(ReadOnlyMemory<byte> body, PooledBytes response)
    {
        var request = TopologyRequestReader.Read(Hook, body.Span, options.VariableName);
        var plans = new TopologyPlans(request, body, options, format);
        var problems = plans.Problems().ToList();
        using var patches = new PatchWriter();
        foreach (var template in request.Templates)
        {
            if (plans.For(template) is NodePlanResult.Wanted wanted
                && TemplateChange.Find(template, wanted.Nodes, body, problems) is { IsEmpty: false } change)
                patches.Add(change);
        }

        return TopologyResponse.Write(
            Hook, request.Cluster, problems, response, writer => WriteItems(writer, problems.Count == 0 ? patches : null));
    }

    private static void WriteItems(Utf8JsonWriter writer, PatchWriter? patches)
    {
        writer.WriteStartArray("items");
        for (var index = 0; index < patches?.Count; index++)
        {
            writer.WriteStartObject();
            writer.WriteString("uid", patches.UidOf(index));
            writer.WriteString("patchType", "JSONPatch");
            writer.WriteBase64String("patch", patches.PatchOf(index));
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }
}

using System.Text.Json.Nodes;
using CapiRegistryHook.Registry.Nodes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Settings;

namespace CapiRegistryHook.Registry;

/// <summary>Says for <c>plan</c> which mirrors nodes ask, in which order, and with which login.</summary>
internal static class PullOrderText
{
    public static JsonObject Write(RegistryPlan plan, NodeFormat format)
    {
        var mirror = plan.Basis.Settings.Mirror;
        var order = new JsonObject();
        if (mirror.Mode != MirrorMode.Off)
        {
            foreach (var (folder, mirrors) in new MirrorOrder(plan.Basis, mirror).All().DistinctBy(entry => entry.Folder))
                order[folder == MirrorOrder.AnyHost ? "every other host" : folder] = Steps(mirrors, mirror.Strict, plan, format);
        }

        if (mirror.Mode != MirrorMode.Default)
            order["every other host"] = new JsonArray("upstream");
        return order;
    }

    private static JsonArray Steps(IReadOnlyList<NodeMirror> mirrors, bool strict, RegistryPlan plan, NodeFormat format)
    {
        var steps = mirrors.Select(mirror => $"{mirror.Url}{Login(mirror, plan, format)}");
        return new JsonArray([.. (strict ? steps : steps.Append("upstream")).Select(step => JsonValue.Create(step))]);
    }

    private static string Login(NodeMirror mirror, RegistryPlan plan, NodeFormat format)
    {
        if (mirror.Login is not null && format != NodeFormat.V1)
            return mirror.Login == MirrorOrder.OwnLogin ? " (with the generated login)" : " (with the login of its Secret)";
        return plan.AsksForLogin && mirror.IsOwn ? " (refused: it asks for a login, and nodes have none)" : "";
    }
}

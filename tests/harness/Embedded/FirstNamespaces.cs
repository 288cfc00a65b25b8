using System.Text.Json.Nodes;

namespace CapiRegistryHook.Harness.Embedded;

/// <summary>The namespaces that a cluster has before anybody makes one.</summary>
internal static class FirstNamespaces
{
    public static void Create(ObjectStore store, TimeProvider time, params string[] names)
    {
        var resource = new ServedResource(ResourceTable.Namespaces, ResourceTable.Namespaces.Stored);
        var writer = new ObjectWriter(store, new GarbageCollector(time), time);
        foreach (var name in names)
            writer.Create(new WriteRequest(resource, "", "", ""), new JsonObject { ["metadata"] = new JsonObject { ["name"] = name } });
    }
}

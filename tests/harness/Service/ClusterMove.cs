using System.Text.Json.Nodes;

namespace CapiRegistryHook.Harness.Service;

/// <summary>
/// Moves the Clusters of a namespace to another management cluster as <c>clusterctl move</c> does: pauses them, creates what belongs to
/// them
/// with new uids after its owners, deletes it at the source without its finalizers, and resumes them at the target.
/// </summary>
public sealed class ClusterMove(AdminClient source, AdminClient target, string @namespace)
{
    private const string MoveLabel = "clusterctl.cluster.x-k8s.io/move";

    private readonly Dictionary<string, string> _newUids = [];
    private readonly List<(string Collection, JsonObject Item)> _moved = [];

    private string Clusters => AdminClient.Clusters(@namespace);

    /// <summary>What clusterctl looks through: types whose definitions it installed, and Secrets.</summary>
    private string[] Collections =>
        [Clusters, $"/apis/cluster.x-k8s.io/v1beta2/namespaces/{@namespace}/machines", AdminClient.ChartProxies(@namespace),
            AdminClient.Secrets(@namespace)];

    /// <summary>The whole move.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await PauseAsync(source, true, cancellationToken);
        while (await CreateGroupAsync(cancellationToken))
        {
            // The next group has owners in this one.
        }

        foreach (var (collection, item) in Enumerable.Reverse(_moved))
            await DeleteAsync(collection, (string)item["metadata"]!["name"]!, cancellationToken);
        await PauseAsync(target, null, cancellationToken);
    }

    private async Task PauseAsync(AdminClient side, bool? paused, CancellationToken cancellationToken)
    {
        foreach (var cluster in await side.ListAsync(Clusters, cancellationToken))
            await side.MergePatchAsync(Clusters, (string)cluster["metadata"]!["name"]!,
                new JsonObject { ["spec"] = new JsonObject { ["paused"] = paused } }, cancellationToken);
    }

    private async Task<bool> CreateGroupAsync(CancellationToken cancellationToken)
    {
        var group = new List<(string Collection, JsonObject Item)>();
        foreach (var collection in Collections)
        {
            foreach (var item in await source.ListAsync(collection, cancellationToken))
            {
                if (!_newUids.ContainsKey(Uid(item)) && (collection == Clusters || Belongs(item)))
                    group.Add((collection, item));
            }
        }

        foreach (var (collection, item) in group)
            await CreateAsync(collection, item, cancellationToken);
        _moved.AddRange(group);
        return group.Count > 0;
    }

    /// <summary>All its owners are moved already; or it has none and is labelled, or has the name of a Secret of Cluster API.</summary>
    private bool Belongs(JsonObject item)
    {
        var owners = Owners(item);
        return owners.Count > 0
            ? owners.TrueForAll(owner => _newUids.ContainsKey((string)owner["uid"]!))
            : item["metadata"]!["labels"]?[MoveLabel] is not null || IsKubeconfig((string)item["metadata"]!["name"]!);
    }

    private bool IsKubeconfig(string name) => _moved.Exists(
        moved => moved.Collection == Clusters && name == $"{moved.Item["metadata"]!["name"]}-kubeconfig");

    private async Task CreateAsync(string collection, JsonObject item, CancellationToken cancellationToken)
    {
        var copy = item.DeepClone().AsObject();
        copy["metadata"]!.AsObject().Remove("resourceVersion");
        foreach (var owner in Owners(copy))
            owner["uid"] = _newUids[(string)owner["uid"]!];
        var created = await target.CreateAsync(collection, copy, cancellationToken);
        _newUids[Uid(item)] = Uid(created);
    }

    private async Task DeleteAsync(string collection, string name, CancellationToken cancellationToken)
    {
        await source.MergePatchAsync(
            collection, name, new JsonObject { ["metadata"] = new JsonObject { ["finalizers"] = null } }, cancellationToken);
        await source.DeleteIfThereAsync(collection, name, cancellationToken);
    }

    private static string Uid(JsonObject item) => (string)item["metadata"]!["uid"]!;

    private static List<JsonObject> Owners(JsonObject item) =>
        [.. (item["metadata"]!["ownerReferences"] as JsonArray ?? []).Select(owner => owner!.AsObject())];
}

using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Events;

/// <summary>Creates Events about Clusters. The same Event always gets the same name, and the API server keeps one of them.</summary>
internal static class ClusterEventFactory
{
    /// <summary>In bytes of UTF-8: the API server refuses a longer note.</summary>
    private const int LongestNote = 1024;

    private const int LongestName = 253;

    /// <param name="cluster">The Cluster that it is about.</param>
    /// <param name="suffix">The second half of the Event's name: lower-case letters and digits, joined by single dashes.</param>
    /// <param name="news">What happened.</param>
    /// <param name="reporter">Which part of this product reports.</param>
    /// <param name="now">When it happened.</param>
    public static Event Create(Cluster cluster, string suffix, ClusterEvent news, string reporter, DateTimeOffset now) => new()
    {
        Metadata = new ObjectMeta { Namespace = cluster.Name.Namespace,
        Name = FieldText.Cut($"{cluster.Name.Name}.{suffix}", LongestName) },
        EventTime = now,
        ReportingController = $"capi-registry-hook.io/{reporter}",
        ReportingInstance = ObjectLabels.FieldManager,
        Action = news.Action,
        Reason = news.Reason,
        Type = news.IsWarning ? "Warning" : "Normal",
        Note = FieldText.Cut(news.Note, LongestNote),
        Regarding = new ObjectReference
        {
            ApiVersion = RegistryResources.ClusterApiVersion(cluster),
            Kind = "Cluster",
            Namespace = cluster.Name.Namespace,
            Name = cluster.Name.Name,
            Uid = cluster.Metadata.Uid,
        },
    };
}

/// <summary>What a person who looks at a Cluster should know.</summary>
/// <param name="Reason">Why, as one word for machines.</param>
/// <param name="Action">What was done, as one word for machines.</param>
/// <param name="Note">One or more sentences, the same for the same state.</param>
/// <param name="IsWarning">Whether somebody may have to act.</param>
internal sealed record ClusterEvent(string Reason, string Action, string Note, bool IsWarning);

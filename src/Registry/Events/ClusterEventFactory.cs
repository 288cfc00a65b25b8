using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Registry.Events;

/// <summary>Makes Events about Clusters. Whoever makes the same one twice gives it the same name, and the API server keeps one.</summary>
internal static class ClusterEventFactory
{
    /// <summary>The API takes 1 kB.</summary>
    private const int LongestNote = 1000;

    private const int LongestName = 253;

    /// <param name="cluster">What it is about.</param>
    /// <param name="suffix">Makes the name, with the Cluster's: lower-case letters and digits, joined by single dashes.</param>
    /// <param name="news">What happened.</param>
    /// <param name="reporter">Who tells.</param>
    /// <param name="now">When.</param>
    public static Event Create(Cluster cluster, string suffix, ClusterEvent news, string reporter, DateTimeOffset now) => new()
    {
        Metadata = new ObjectMeta { Namespace = cluster.Name.Namespace, Name = Cut($"{cluster.Name.Name}.{suffix}", LongestName) },
        EventTime = now,
        ReportingController = $"capi-registry-hook.io/{reporter}",
        ReportingInstance = ObjectLabels.FieldManager,
        Action = news.Action,
        Reason = news.Reason,
        Type = news.IsWarning ? "Warning" : "Normal",
        Note = Cut(news.Note, LongestNote),
        Regarding = new ObjectReference
        {
            ApiVersion = RegistryResources.ClusterApiVersion(cluster),
            Kind = "Cluster",
            Namespace = cluster.Name.Namespace,
            Name = cluster.Name.Name,
            Uid = cluster.Metadata.Uid,
        },
    };

    private static string Cut(string text, int most) => text.Length <= most ? text : text[..most];
}

/// <summary>Something that a person who looks at a Cluster should know.</summary>
/// <param name="Reason">Why, in one word for machines.</param>
/// <param name="Action">What was done, in one word for machines.</param>
/// <param name="Note">One or more sentences, the same for the same state.</param>
/// <param name="IsWarning">Whether somebody may have to act.</param>
internal sealed record ClusterEvent(string Reason, string Action, string Note, bool IsWarning);

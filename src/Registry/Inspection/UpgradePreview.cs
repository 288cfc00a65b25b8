using System.Text.Json.Nodes;
using CapiRegistryHook.Registry.Chart;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.ServerCertificates;

namespace CapiRegistryHook.Registry.Inspection;

/// <summary>What the next upgrade of a cluster to another Kubernetes version changes in its registry.</summary>
/// <param name="Changes">One per thing that changes, the certificate first.</param>
/// <param name="Notes">What has to be known about them, as sentences.</param>
public sealed record UpgradePreview(IReadOnlyList<UpgradeChange> Changes, IReadOnlyList<string> Notes)
{
    private const int LongestValue = 200;
    private const int MostChanges = 500;
    private const string RevisionPath = $"podAnnotations.{RegistryNames.RevisionAnnotation}";

    /// <summary>Names of values that people could put credentials under, although credentials do not belong there.</summary>
    private static readonly string[] Sensitive = ["password", "secret", "token", "credential", "env", "key", "auth"];

    /// <summary>Compares what is installed with what the service would write.</summary>
    /// <param name="cluster">The Cluster.</param>
    /// <param name="live">What is installed.</param>
    /// <param name="newest">What the admin decided last.</param>
    /// <param name="options">The other decisions of the admin.</param>
    internal static UpgradePreview Create(Cluster cluster, HelmChartProxy live, ReleaseRevision newest, RegistryOptions options)
    {
        var changes = new List<UpgradeChange>();
        var notes = new List<string>();
        var record = CertificateRecord.Read(live.Metadata.Annotations);
        changes.Add(new UpgradeChange("certificate", record?.Serial, "a new one, once for each upgrade"));
        if (newest.ApplyTo(options) is not { } then)
            notes.Add("The admin's values that were written last are not for the chart that this program knows, so they are not compared.");
        else if (RegistryPlan.Create(cluster, then) is PlanResult.Wanted wanted)
            Compare(wanted.Plan, live, record?.Serial ?? "", changes, notes);
        else
            notes.Add("The registry is not installed anew, because the Cluster requests none or its variable has to be corrected.");
        return new UpgradePreview(changes, notes);
    }

    private static void Compare(
        RegistryPlan requested, HelmChartProxy live, string serial, List<UpgradeChange> changes, List<string> notes)
    {
        var installed = InstalledVolumes.Read(live.Spec?.ValuesTemplate);
        var plan = requested.Keep(installed);
        var kept = InstalledVolumes.Keep(ChartValues.Build(plan, serial), installed);
        var spec = ChartProxyFactory.Create(plan, kept.Values).Spec!;
        changes.AddRange(Differences(
            ("chart", live.Spec?.ChartName, spec.ChartName), ("chart version", live.Spec?.Version, spec.Version),
            ("chart repository", live.Spec?.RepoURL, spec.RepoURL)));
        changes.AddRange(Differences(("release revision", RevisionOf(installed), RevisionOf(kept.Values))));
        var (before, after) = (Flatten(installed), Flatten(kept.Values));
        changes.AddRange(Differences([.. before.Keys.Union(after.Keys).Where(path => path != RevisionPath).Order(StringComparer.Ordinal)
            .Select(path => (path, before.GetValueOrDefault(path), after.GetValueOrDefault(path)))]).Take(MostChanges));
        notes.AddRange(plan.Warnings);
        if (kept.IsOther)
            notes.Add("The registry keeps its storage: the volumes of a StatefulSet can't be changed to what is now requested.");
        if (plan.KeptAddresses is { } addresses)
            notes.Add($"The registry keeps its addresses {string.Join(", ", addresses.All)}: those of a Service can't be changed.");
    }

    private static string? RevisionOf(JsonObject? values) =>
        values is null ? null : HelmValues.Find(values, RevisionPath)?.ToString();

    private static IEnumerable<UpgradeChange> Differences(params (string What, string? From, string? To)[] pairs) =>
        pairs.Where(pair => pair.From != pair.To)
            .Select(pair => IsSensitive(pair.What) ? new UpgradeChange(pair.What, Hide(pair.From), Hide(pair.To))
                : new UpgradeChange(pair.What, Cut(pair.From), Cut(pair.To)));

    /// <summary>The last steps of a path name what a value is; <c>secretName</c> names an object and no secret.</summary>
    private static bool IsSensitive(string path) => path.Split('.', '[').Any(step =>
        !step.EndsWith("Name", StringComparison.Ordinal)
        && Array.Exists(Sensitive, word => step.Contains(word, StringComparison.OrdinalIgnoreCase)));

    private static string? Hide(string? value) => value is null ? null : "(not shown)";

    private static string? Cut(string? value) => value is { Length: > LongestValue } ? value[..LongestValue] + "…" : value;

    /// <summary>Every value that is not an object or a list itself, by its path.</summary>
    private static Dictionary<string, string?> Flatten(JsonNode? values)
    {
        var flat = new Dictionary<string, string?>(StringComparer.Ordinal);
        Add(flat, "", values);
        return flat;
    }

    private static void Add(Dictionary<string, string?> flat, string path, JsonNode? node)
    {
        if (node is JsonObject { Count: > 0 } fields)
            foreach (var (name, value) in fields)
                Add(flat, path.Length == 0 ? name : $"{path}.{name}", value);
        else if (node is JsonArray { Count: > 0 } items)
            foreach (var (index, value) in items.Index())
                Add(flat, $"{path}[{index}]", value);
        else if (path.Length > 0)
            flat[path] = node is JsonValue value && value.TryGetValue<string>(out var text) ? text : node?.ToJsonString() ?? "null";
    }
}

/// <summary>A change.</summary>
/// <param name="What">What changes, such as the path of a value.</param>
/// <param name="From">What it is now; null when it is not set.</param>
/// <param name="To">What it will be; null when it is not set any more.</param>
public sealed record UpgradeChange(string What, string? From, string? To);

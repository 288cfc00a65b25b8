using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Hooks.Operations;

namespace CapiRegistryHook.EndToEnd.Tests.Dashboard;

/// <summary>A Cluster of a site, as it is to look.</summary>
/// <param name="Namespace">Its namespace.</param>
/// <param name="Name">Its name.</param>
internal sealed record SiteMember(string Namespace, string Name)
{
    private const long Capacity = 100L << 30;
    private const string Prefix = "capi-registry-hook.io/";

    public string Services { get; init; } = "10.128.0.0/12";

    public int Replicas { get; init; } = 2;

    public bool IsPaused { get; init; }

    public bool IsOff { get; init; }

    /// <summary>How long ago the certificate was issued.</summary>
    public int AgeDays { get; init; } = 100;

    /// <summary>The id of the root that issued it; null for the one that signs.</summary>
    public string? Issuer { get; init; }

    public bool IsServed { get; init; } = true;

    public string Chart { get; init; } = ServiceVersion.Text;

    /// <summary>What the admin decided when it was written last; null for what the real Cluster has.</summary>
    public SiteRevision? Revision { get; init; }

    /// <summary>How full its volumes are, 0 to 100; null where nobody has measured it.</summary>
    public int? DiskPercent { get; init; }

    public bool RunsRevision { get; init; } = true;

    /// <summary>How long ago the revision was written.</summary>
    public TimeSpan RevisionAge { get; init; } = TimeSpan.FromDays(3);

    public string? Warning { get; init; }

    /// <summary>Writes it into the annotations of a HelmChartProxy.</summary>
    public void Annotate(JsonObject annotations)
    {
        var now = TimeProvider.System.GetUtcNow();
        var serial = (string)annotations[Prefix + "certificate-serial"]!;
        annotations[Prefix + "certificate-not-before"] = Text(now.AddDays(-AgeDays));
        annotations[Prefix + "certificate-not-after"] = Text(now.AddDays(730 - AgeDays));
        annotations[Prefix + "certificate-served"] = IsServed ? serial : "0";
        if (Issuer is not null)
            annotations[Prefix + "certificate-issuer"] = Issuer;
        if (Revision is not null)
            (annotations[Prefix + "release-revision"], annotations[Prefix + "release-admin-values"]) = (Revision.Id, Revision.AdminValues);
        if (DiskPercent is { } percent)
            annotations[Prefix + "volumes"] = Volumes(percent, Replicas, now);
        annotations[Prefix + "release-since"] = Text(now - RevisionAge);
        annotations[Prefix + "release-served"] = RunsRevision ? annotations[Prefix + "release-revision"]!.DeepClone() : "0123456789abcdef";
    }

    private static string Volumes(int percent, int replicas, DateTimeOffset now) => new JsonObject
    {
        ["read"] = Text(now),
        ["volumes"] = new JsonArray([.. Enumerable.Range(0, replicas).Select(ordinal => (JsonNode)new JsonObject
        {
            ["pod"] = $"registry-{ordinal}", ["capacity"] = Capacity, ["used"] = Capacity / 100 * percent, ["inodes"] = 0,
            ["inodesUsed"] = 0,
        })]),
        ["filling"] = percent >= 80,
    }.ToJsonString();

    /// <summary>A time as Kubernetes writes it.</summary>
    public static string Text(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}

/// <summary>What an admin decided for the releases of all registries.</summary>
/// <param name="Id">Its revision.</param>
/// <param name="AdminValues">The admin's values.</param>
internal sealed record SiteRevision(string Id, string AdminValues)
{
    /// <summary>The revision of values with the chart of a HelmChartProxy.</summary>
    public static SiteRevision Of(JsonObject spec, string adminValues)
    {
        var secret = spec["tlsConfig"]?["caSecret"];
        var text = string.Join('\n', adminValues, (string)spec["repoURL"]!, (string)spec["chartName"]!, (string)spec["version"]!,
            secret is null ? "" : $"{secret["namespace"]}/{secret["name"]}");
        return new SiteRevision(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..16], adminValues);
    }
}

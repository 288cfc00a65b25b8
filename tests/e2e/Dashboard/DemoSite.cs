namespace CapiRegistryHook.EndToEnd.Tests.Dashboard;

/// <summary>A thousand Clusters as a site of stores and factories has them: nearly all well, a few in each kind of trouble.</summary>
internal static class DemoSite
{
    public const int Clusters = 1000;
    public const int Tags = 500;

    private const int Writers = 8;
    private const int Seed = 11;

    private static readonly string[] Namespaces = ["edge-north", "edge-south", "factory", "lab", "prod-eu", "prod-us"];
    private static readonly string[] Kinds = ["store", "line", "rack", "site"];

    /// <summary>A Cluster in the namespace lab that tests add Events to.</summary>
    public const string Warned = "warned";

    /// <summary>A text of which nothing but its characters may be seen.</summary>
    public const string Hostile = "<img src=x onerror=alert(1)><script>alert(2)</script>";

    public static async Task FillAsync(DashboardSite site, CancellationToken cancellationToken)
    {
        var next = await site.BeginRotationAsync(cancellationToken);
        await site.TrustAsync(DashboardSite.Namespace, DashboardSite.Name, next, cancellationToken);
        var random = new Random(Seed);
        var decided = site.Decide("""{"resources":{"limits":{"memory":"512Mi"},"requests":{"cpu":"100m"}}}""");
        var members = Enumerable.Range(3, Clusters - 2).Select(index => Member(index, random, decided) with
        {
            Issuer = index % 7 == 0 ? null : next.Id,
        }).ToList();
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = Writers, CancellationToken = cancellationToken };
        foreach (var first in members.DistinctBy(member => member.Namespace).ToList())
        {
            await site.AddAsync(first, cancellationToken);
            members.Remove(first);
        }

        await Parallel.ForEachAsync(members, parallel, async (member, token) => await site.AddAsync(member, token));
        await site.WarnAsync(
            DashboardSite.Namespace, DashboardSite.Name, site.Uid, "CertificateRenewed",
            "The registry has a new certificate until 2028-11-20. The issuer is no longer the current root CA.", cancellationToken,
            "Normal");
        await site.WarnAsync(DashboardSite.Namespace, DashboardSite.Name, site.Uid, "NotReady",
            "The registry's pod registry-1 is not ready.", cancellationToken);
        await site.AddAsync(new SiteMember("lab", Warned) { IsServed = false, Issuer = next.Id }, cancellationToken);
        await FillRegistryAsync(site.Replicas.Content, cancellationToken);
    }

    private static async Task FillRegistryAsync(DashboardContent content, CancellationToken cancellationToken)
    {
        await content.AddIndexAsync("library/nginx", ["1.29", "1.29.3", "stable"], 61_200_000, cancellationToken);
        await content.AddIndexAsync("library/postgres", ["17", "17.6", "18.1"], 148_000_000, cancellationToken);
        await content.AddIndexAsync("coredns/coredns", ["v1.12.4"], 18_400_000, cancellationToken);
        await content.AddIndexAsync("pause", ["3.10.1"], 310_000, cancellationToken);
        await content.AddChartAsync("charts/shop", "4.2.0", cancellationToken);
        await content.AddImagesAsync(
            "shop/frontend", [.. Enumerable.Range(0, Tags).Select(index => $"2026.{1 + (index / 50)}.{index % 50}")], 23_500_000,
            cancellationToken);
    }

    private static SiteMember Member(int index, Random random, SiteRevision decided)
    {
        var member = new SiteMember(Namespaces[random.Next(Namespaces.Length)], $"{Kinds[random.Next(Kinds.Length)]}-{index:0000}")
        {
            Services = $"10.{random.Next(64, 192)}.0.0/16", AgeDays = random.Next(1, 478), DiskPercent = random.Next(6, 70),
            Revision = index % 3 == 0 ? null : decided,
            RevisionAge = index % 3 == 0 ? TimeSpan.FromDays(12) : TimeSpan.FromMinutes(30 + (index % 100)),
        };
        return index switch
        {
            7 => member with { Replicas = 12 },
            23 => member with { AgeDays = 731 },
            41 => member with { AgeDays = 540 },
            < 60 when index % 10 == 0 => member with { IsServed = false, Warning = "The registry's pod registry-1 is not ready." },
            31 or 61 => member with { Revision = decided, RunsRevision = false, RevisionAge = TimeSpan.FromMinutes(31) },
            < 95 when index % 10 == 2 => member with
            {
                Revision = decided, RunsRevision = false, RevisionAge = TimeSpan.FromMinutes(1 + (index / 10)),
                Warning = "The registry's pod registry-0 still runs an earlier release than the one written last.",
            },
            71 or 88 => member with { DiskPercent = 86 },
            97 or 98 or 99 => member with { IsPaused = true },
            > 100 and < 106 => member with { IsOff = true },
            _ => member,
        };
    }
}

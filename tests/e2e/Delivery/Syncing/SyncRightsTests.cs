using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CapiRegistryHook.EndToEnd.Tests.Content;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Charts;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests.Delivery.Syncing;

/// <summary>The rights of the syncer in the chart and on its page are the calls that it makes on the management cluster.</summary>
public sealed partial class SyncRightsTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rules_AreTheCallsThatTheSyncerMakes()
    {
        await using var site = await EmbeddedSite.StartAsync(Cancelled);
        await using var source = await RealRegistry.StartAsync(Cancelled);
        await site.AddAsync("one", 1, Cancelled);
        await SyncSite.WriteCaAsync(site, source, Cancelled);
        await SyncSite.PutImageAsync(site, source, "test/app", "1", 1, Cancelled);
        var content = SyncSite.Content("base", source);
        content["spec"]!["lock"] = new JsonObject { ["configMapRef"] = new JsonObject { ["name"] = "lock" } };
        await site.Admin.CreateAsync("/api/v1/namespaces/default/configmaps", new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = "lock" },
            ["data"] = new JsonObject { ["lock"] = "# images\ndocker.io/test/app:1\n" },
        }, Cancelled);
        await SyncSite.CreateAsync(site, content, Cancelled);
        site.Management.ClearCalls();
        await using (var sync = await RunningSync.StartAsync(site, Cancelled))
        {
            await SyncSite.WaitAsync(site, sync, "base", "Complete", Cancelled);
            await Polling.UntilAsync("the Lease is renewed", () => Task.FromResult(
                site.Management.Calls.Any(call => call is { Resource: "leases", Verb: "patch" })), () => sync.Log, Cancelled);
            await sync.EndAsync(Cancelled);
        }

        // The test itself reads contents by name, which the syncer never does.
        var made = site.Management.Calls.Where(call => call is not { Resource: "registrycontents", Verb: "get" })
            .Select(call => (Verb: call.Verb == "apply" ? "patch" : call.Verb, call.Group,
                Resource: call.Subresource.Length > 0 ? $"{call.Resource}/{call.Subresource}" : call.Resource)).Distinct();
        Assert.Equal((await RightsAsync()).Order(), made.Order());
    }

    [Fact]
    public async Task Page_Table_IsTheRulesOfTheChart()
    {
        var page = await File.ReadAllTextAsync(Path.Combine(RepositoryRoot.Find(), "docs", "fleet-content.md"), Cancelled);
        var told = Right().Matches(page).Select(match => (Verb: match.Groups[3].Value,
            Group: match.Groups[1].Value.Replace("core", "", StringComparison.Ordinal), Resource: match.Groups[2].Value));

        Assert.Equal((await RightsAsync()).Order(), told.Order());
    }

    [Fact]
    public async Task Rules_ByNamespace_AreGivenThereAndInTheOwnNamespace()
    {
        var rendered = await HookChart.RenderAsync(
            Cancelled, "--set", "sync.enabled=true", "--set", "rbac.namespaces={team-a,team-b}");
        var roles = rendered.Where(entry => entry.Kind() == "Role" && Name(entry).StartsWith($"{HookChart.Release}-sync")).ToList();

        Assert.Equal(["team-a", "team-b", HookService.Namespace], roles.Select(role => (string)role["metadata"]!["namespace"]!));
        var accounts = rendered.Where(entry => entry.Kind() == "RoleBinding" && Name(entry).StartsWith($"{HookChart.Release}-sync"))
            .Select(binding => (string)binding["subjects"]![0]!["name"]!);
        Assert.Equal([$"{HookChart.Release}-sync"], accounts.Distinct());
        Assert.DoesNotContain(rendered, entry => entry.Kind() == "ClusterRole");
    }

    private static async Task<IEnumerable<(string Verb, string Group, string Resource)>> RightsAsync() =>
        (await HookChart.RenderAsync(Cancelled, "--set", "sync.enabled=true"))
            .Where(entry => entry.Kind() is "Role" or "ClusterRole" && Name(entry).Contains($"{HookChart.Release}-sync"))
            .SelectMany(entry => entry.Rights()).Distinct();

    private static string Name(JsonObject entry) => (string)entry["metadata"]!["name"]!;

    [GeneratedRegex(@"^\| ([a-z0-9.-]+) \| ([a-z/]+) \| ([a-z]+) \| [^|]{10,} \|$", RegexOptions.Multiline)]
    private static partial Regex Right();
}

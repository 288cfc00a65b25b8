using CapiRegistryHook.Harness.Browser;
using Microsoft.Playwright;

namespace CapiRegistryHook.EndToEnd.Tests.Dashboard;

/// <summary>One browser and one site for all tests of the page; they run one after the other.</summary>
public sealed class BrowserFixture : IAsyncLifetime
{
    /// <summary>Milliseconds; a machine that builds something beside the tests is slow.</summary>
    private const int LongestWait = 60_000;

    internal BrowserRun Browser { get; private set; } = null!;

    internal DashboardSite Site { get; private set; } = null!;

    internal RunningDashboard Dashboard { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Assertions.SetDefaultExpectTimeout(LongestWait);
        Browser = await BrowserRun.StartAsync();
        Site = await DashboardSite.StartAsync(CancellationToken.None);
        await DemoSite.FillAsync(Site, CancellationToken.None);
        Dashboard = await RunningDashboard.StartAsync(Site, CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        await Dashboard.DisposeAsync();
        await Site.DisposeAsync();
        await Browser.DisposeAsync();
    }
}

/// <summary>Tests of the page in a real browser.</summary>
[CollectionDefinition(Name)]
public sealed class InABrowser : ICollectionFixture<BrowserFixture>
{
    public const string Name = "in a browser";
}

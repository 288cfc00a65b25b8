using CapiRegistryHook.Harness.Browser;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Hooks.Operations;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace CapiRegistryHook.EndToEnd.Tests.Dashboard;

/// <summary>One registry in a real browser: in depth, and its content through the tunnel.</summary>
[Collection(InABrowser.Name)]
public sealed class DashboardRegistryTests(BrowserFixture fixture)
{
    private const string Registry = $"/registry/{DashboardSite.Namespace}/{DashboardSite.Name}";

    [Fact]
    public async Task Registry_InDepth_ShowsWhatItsReplicasServeNow_AndWhatAnUpgradeChanges()
    {
        await using var window = await OpenAsync(Registry);
        var page = window.Page;

        await Expect(page.Locator("article")).ToHaveCountAsync(2);
        await Expect(page.Locator("article").First).ToContainTextAsync("the current certificate");
        await Expect(page.Locator("article").First).ToContainTextAsync("takes pushes");
        await Expect(page.Locator("article").First.Locator(".chain li")).ToHaveCountAsync(2);
        await Expect(page.Locator("section[aria-label=Addresses]")).ToContainTextAsync("10.128.0.20");
        await Expect(page.Locator("section[aria-label=Volumes]")).ToContainTextAsync("100Gi");
        await Expect(page.Locator("section[aria-label=Release]")).ToContainTextAsync($"/charts/registry {ServiceVersion.Text}");
        await Expect(page.Locator("section[aria-label='Trusted by its nodes'] tbody tr")).ToHaveCountAsync(2);
        await Expect(page.Locator("section[aria-label=Events]")).ToContainTextAsync("CertificateRenewed");
        await page.GetByRole(AriaRole.Link, new() { Name = "Next upgrade" }).ClickAsync();
        await Expect(page.Locator("tbody tr").First).ToContainTextAsync("a new one, once for each upgrade");
        await Expect(page.Locator("tbody")).ToContainTextAsync("resources.limits.memory");

        Assert.Empty(window.Faults);
    }

    [Fact]
    public async Task Registry_WithHostileText_ShowsItAsText()
    {
        var cluster =
            await fixture.Site.Admin.GetAsync(AdminClient.Clusters("lab"), DemoSite.Warned, TestContext.Current.CancellationToken);
        await fixture.Site.WarnAsync(
            "lab", DemoSite.Warned, (string)cluster["metadata"]!["uid"]!, "NotReady", DemoSite.Hostile,
            TestContext.Current.CancellationToken);
        await using var window = await OpenAsync($"/registry/lab/{DemoSite.Warned}");

        await Expect(window.Page.Locator("section[aria-label=Events]")).ToContainTextAsync(DemoSite.Hostile);
        await Expect(window.Page.Locator("main > .problem")).ToContainTextAsync(DemoSite.Hostile);
        Assert.Equal(0, await window.Page.Locator("main img, main script").CountAsync());

        Assert.Empty(window.Faults);
    }

    [Fact]
    public async Task Catalogue_OfFiveHundredTags_IsReadAsItIsScrolled()
    {
        await using var window = await OpenAsync($"{Registry}/content");
        var page = window.Page;

        await Expect(page.Locator(".repositories li")).ToHaveCountAsync(6);
        await page.GetByRole(AriaRole.Button, new() { Name = "library/nginx" }).ClickAsync();
        var nginx = page.Locator("tbody tr[data-row]").First;
        await Expect(nginx).ToContainTextAsync("linux/amd64, linux/arm64");
        await Expect(nginx).ToContainTextAsync("MiB");
        await nginx.GetByRole(AriaRole.Button, new() { Name = "Copy digest" }).ClickAsync();
        Assert.Matches("^sha256:[0-9a-f]{64}$", await page.EvaluateAsync<string>("navigator.clipboard.readText()"));
        await page.GetByRole(AriaRole.Button, new() { Name = "shop/frontend" }).ClickAsync();
        await Expect(page.Locator(".table-content")).ToHaveAttributeAsync("aria-rowcount", $"{DemoSite.Tags + 1}");
        await page.EvaluateAsync("window.scrollTo(0, document.body.scrollHeight)");
        var last = page.Locator($"tbody tr[data-row='{DemoSite.Tags - 1}']");
        await Expect(last).ToContainTextAsync("MiB");
        await Expect(last.Locator(".digest code")).ToHaveTextAsync(new System.Text.RegularExpressions.Regex("^[0-9a-f]{12}$"));

        Assert.Empty(window.Faults);
    }

    [Fact]
    public async Task Registry_ThatCantBeReached_SaysWhy_AndShowsTheRest()
    {
        await using var window = await OpenAsync("/?phase=Ready&namespace=factory");
        var page = window.Page;

        await page.Locator("tbody tr[data-row] a").First.ClickAsync();
        await Expect(page.Locator("section[aria-label='Replicas as they serve now']")).ToContainTextAsync("kubeconfig");
        await Expect(page.Locator("section[aria-label=Certificate]")).ToContainTextAsync("Serial number");
        await page.GetByRole(AriaRole.Link, new() { Name = "Content" }).ClickAsync();
        await Expect(page.Locator("main .problem")).ToContainTextAsync("kubeconfig");

        // The browser itself reports an answer that is no success.
        Assert.All(window.Faults, fault => Assert.Contains("502", fault, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("", true)]
    [InlineData("/upgrade", true)]
    [InlineData("/content", false)]
    [InlineData("/content", true)]
    public async Task Views_ForPeopleWithAssistiveTechnology_HaveNoBarrier(string tab, bool isDark)
    {
        await using var window = await OpenAsync(Registry + tab, isDark);
        if (tab == "/content")
        {
            await window.Page.GetByRole(AriaRole.Button, new() { Name = "library/nginx" }).ClickAsync();
            await Expect(window.Page.Locator("tbody tr[data-row]").First).ToContainTextAsync("MiB");
        }

        Assert.Empty(await window.FindBarriersAsync(await AxeScript.FolderAsync()));
    }

    private async Task<BrowserWindow> OpenAsync(string hash, bool isDark = false)
    {
        var window = await fixture.Browser.OpenAsync(isDark);
        await window.GoToAsync(fixture.Dashboard.View(hash));
        await Expect(window.Page.Locator("main .loading")).ToHaveCountAsync(0);
        return window;
    }
}

using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Browser;
using CapiRegistryHook.Harness.Service;
using static Microsoft.Playwright.Assertions;

namespace CapiRegistryHook.EndToEnd.Tests.Dashboard;

/// <summary>The page as one file: what the command <c>status -o html</c> writes, opened without a network.</summary>
[Collection(InABrowser.Name)]
public sealed class OfflineFileTests(BrowserFixture fixture)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task File_OfAThousand_OpensWithoutAProgram()
    {
        await using var window = await OpenAsync(fixture.Site, "/");
        var page = window.Page;

        await Expect(page.Locator("table")).ToHaveAttributeAsync("aria-rowcount", $"{DemoSite.Clusters + 1}");
        await Expect(page.Locator(".live")).ToContainTextAsync("File of");
        await page.Locator("tbody tr[data-row] a").First.ClickAsync();
        await Expect(page.Locator("main")).ToContainTextAsync("The file holds no more about this registry.");

        Assert.Empty(window.Faults);
    }

    [Fact]
    public async Task File_OfAFew_HasEachInDepth_AndHostileTextAsText()
    {
        await using var site = await DashboardSite.StartAsync(Cancelled);
        await site.WarnAsync(DashboardSite.Namespace, DashboardSite.Name, site.Uid, "NotReady", $"</script>{DemoSite.Hostile}", Cancelled);
        await using var window = await OpenAsync(site, $"/registry/{DashboardSite.Namespace}/{DashboardSite.Name}");
        var page = window.Page;

        await Expect(page.Locator("section[aria-label=Certificate]")).ToContainTextAsync("Serial number");
        await Expect(page.Locator("section[aria-label=Events]")).ToContainTextAsync($"</script>{DemoSite.Hostile}");
        Assert.Equal(0, await page.Locator("main img, main script").CountAsync());
        Assert.Equal(2, await page.Locator("script").CountAsync());

        Assert.Empty(window.Faults);
        Assert.Empty(await window.FindBarriersAsync(await AxeScript.FolderAsync()));
    }

    private async Task<BrowserWindow> OpenAsync(DashboardSite site, string hash)
    {
        var run = await ProgramRun.RunAsync(HookService.ProgramPath(), ["status", "-o", "html", .. site.Access], Cancelled);
        Assert.Equal((0, ""), (run.ExitCode, run.Errors));
        var file = site.Folder.Write("registries.html", run.Output);
        var window = await fixture.Browser.OpenAsync();
        await window.GoToAsync(new Uri($"file://{file}"));
        await window.Page.GotoAsync($"file://{file}#{hash}");
        return window;
    }
}

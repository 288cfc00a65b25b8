using CapiRegistryHook.Harness;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace CapiRegistryHook.EndToEnd.Tests.Dashboard;

/// <summary>
/// The pictures of docs/dashboard.md. <c>make screenshots</c> sets SCREENSHOTS, and they are written there; in other runs they go to a
/// scratch folder, so that no view can stop working unnoticed.
/// </summary>
[Collection(InABrowser.Name)]
public sealed class ScreenshotTests(BrowserFixture fixture)
{
    private const string Registry = $"/registry/{DashboardSite.Namespace}/{DashboardSite.Name}";

    [Theory]
    [InlineData("fleet", "/", false, 860)]
    [InlineData("fleet-dark", "/", true, 860)]
    [InlineData("registry", Registry, false, 1180)]
    [InlineData("registry-dark", Registry, true, 1180)]
    [InlineData("upgrade", $"{Registry}/upgrade", false, 520)]
    [InlineData("content", $"{Registry}/content", false, 760)]
    [InlineData("timeline", "/timeline", false, 1060)]
    [InlineData("rotation", "/changes", false, 1300)]
    [InlineData("rotation-dark", "/changes", true, 1300)]
    public async Task Pictures_OfAllViews_AreTaken(string name, string hash, bool isDark, int height)
    {
        await using var scratch = ScratchFolder.Create("capi-registry-hook-pictures-");
        var folder = Environment.GetEnvironmentVariable("SCREENSHOTS") is { Length: > 0 } chosen
            ? Path.Combine(RepositoryRoot.Find(), chosen) : scratch.Path;
        await using var window = await fixture.Browser.OpenAsync(isDark, 1320, height, scale: 1.5f);
        await window.GoToAsync(fixture.Dashboard.View(hash));
        await Expect(window.Page.Locator("main .loading")).ToHaveCountAsync(0);
        if (name == "content")
        {
            await window.Page.GetByRole(AriaRole.Button, new() { Name = "shop/frontend" }).ClickAsync();
            await Expect(window.Page.Locator("tbody tr[data-row='15']")).ToContainTextAsync("MiB");
            await window.Page.EvaluateAsync("document.activeElement.blur()");
        }

        await window.Page.EvaluateAsync("document.fonts.ready");
        var path = Path.Combine(folder, $"{name}.png");
        await window.Page.ScreenshotAsync(new PageScreenshotOptions { Path = path });

        Assert.InRange(new FileInfo(path).Length, 20_000, 2_000_000);
        Assert.Empty(window.Faults);
    }
}

using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Browser;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;
using Microsoft.Playwright;

namespace CapiRegistryHook.Benchmarks;

/// <summary>The dashboard in a real browser: how soon a fleet is painted, and what scrolling through it and searching it cost.</summary>
internal static class DashboardPage
{
    private const int Opens = 5;
    private const string FirstPaint =
        "performance.getEntriesByType('paint').find(entry => entry.name === 'first-contentful-paint').startTime";

    /// <summary>Scrolls a screen at a time and returns the milliseconds of each frame.</summary>
    private const string Scroll = """
        async () => {
          const frames = [];
          for (let step = 0; step < 120; step++) {
            const started = performance.now();
            window.scrollBy(0, 700);
            await new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve)));
            frames.push((performance.now() - started) / 2);
          }
          return frames;
        }
        """;

    /// <summary>Types into the search and returns the milliseconds until the rows are those that match.</summary>
    private const string Search = """
        async () => {
          const started = performance.now();
          const search = document.getElementById('search');
          search.value = 'f77';
          search.dispatchEvent(new Event('input', { bubbles: true }));
          await new Promise(requestAnimationFrame);
          return performance.now() - started;
        }
        """;

    public static async Task PrintAsync(CancellationToken cancellationToken)
    {
        await using var browser = await BrowserRun.StartAsync();
        foreach (var (clusters, target) in new[] { (1000, "<= 1000"), (10_000, "") })
            await PrintAsync(browser, clusters, target, cancellationToken);
    }

    private static async Task PrintAsync(BrowserRun browser, int clusters, string target, CancellationToken cancellationToken)
    {
        await using var environment = await TestEnvironment.StartAsync(
            async name => await EmbeddedApiServer.StartAsync(name, cancellationToken), cancellationToken);
        await Fleet.CreateAsync(environment, clusters, cancellationToken);
        await using var folder = ScratchFolder.Create("capi-registry-hook-dashboard-");
        var log = folder["dashboard.log"];
        await using var program = await ChildProcess.StartServerAsync(
            HookService.ProgramPath(),
            ["dashboard", "--port", "0", "--kubeconfig", folder.Write("kubeconfig", environment.Management.Kubeconfig)],
            log);
        await Polling.UntilAsync(
            "the dashboard", () => Task.FromResult(File.Exists(log) && File.ReadAllText(log).Contains("/\n", StringComparison.Ordinal)),
            program.LogTail, cancellationToken);
        var address = new Uri(
            (await File.ReadAllLinesAsync(log, cancellationToken)).First(line => line.StartsWith("http", StringComparison.Ordinal)));
        var (paints, rows) = (new List<double>(), new List<double>());
        for (var open = 0; open <= Opens; open++)
        {
            await using var window = await browser.OpenAsync();
            await window.GoToAsync(address);
            await window.Page.Locator("tbody tr[data-row]").First.WaitForAsync();
            // The first one waits for the fleet to be read.
            if (open == 0)
                continue;
            paints.Add(await window.Page.EvaluateAsync<double>(FirstPaint));
            rows.Add(await window.Page.EvaluateAsync<double>("performance.now()"));
            if (open == Opens)
                await PrintUseAsync(window.Page, clusters);
        }

        Figures.Print($"dashboard, {clusters} Clusters, first paint", "ms", paints, target);
        Figures.Print($"dashboard, {clusters} Clusters, rows on the screen", "ms", rows, target);
    }

    private static async Task PrintUseAsync(IPage page, int clusters)
    {
        Figures.Print($"dashboard, {clusters} Clusters, frame while scrolling", "ms", await page.EvaluateAsync<double[]>(Scroll));
        Figures.Print($"dashboard, {clusters} Clusters, search", "ms", [await page.EvaluateAsync<double>(Search)]);
    }
}

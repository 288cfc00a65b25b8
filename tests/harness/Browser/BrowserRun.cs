using System.Reflection;
using Microsoft.Playwright;

namespace CapiRegistryHook.Harness.Browser;

/// <summary>A real browser without a screen: Debian's chromium, led by Playwright. One serves many tests.</summary>
public sealed class BrowserRun : IAsyncDisposable
{
    private const string Program = "/usr/bin/chromium-headless-shell";
    private const string DriverVariable = "PLAYWRIGHT_DRIVER_SEARCH_PATH";

    private readonly IPlaywright _playwright;
    private readonly IBrowser _browser;

    private BrowserRun(IPlaywright playwright, IBrowser browser) => (_playwright, _browser) = (playwright, browser);

    /// <summary>Starts it.</summary>
    /// <exception cref="InvalidOperationException">There is no browser on this machine.</exception>
    public static async Task<BrowserRun> StartAsync()
    {
        if (!File.Exists(Program))
            throw new InvalidOperationException($"{Program} is missing: apt-get install chromium-headless-shell (tests/run.sh does).");
        var driver = typeof(BrowserRun).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .Single(metadata => metadata.Key == "PlaywrightDriver").Value!;
        Environment.SetEnvironmentVariable(DriverVariable, Path.GetDirectoryName(driver));
        var playwright = await Playwright.CreateAsync();
        // Tests run as root in containers, where the browser's own sandbox has no namespaces to make.
        var browser = await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = Program, Args = ["--no-sandbox", "--disable-gpu", "--font-render-hinting=none"],
        });
        return new BrowserRun(playwright, browser);
    }

    /// <summary>A new window without cookies or history.</summary>
    /// <param name="isDark">Whether the person prefers dark colours.</param>
    /// <param name="width">Its width in CSS pixels.</param>
    /// <param name="height">Its height in CSS pixels.</param>
    /// <param name="scale">Device pixels for each CSS pixel.</param>
    public async Task<BrowserWindow> OpenAsync(bool isDark = false, int width = 1400, int height = 900, float scale = 1) =>
        await BrowserWindow.OpenAsync(await _browser.NewContextAsync(new BrowserNewContextOptions
        {
            ColorScheme = isDark ? ColorScheme.Dark : ColorScheme.Light, ViewportSize = new ViewportSize { Width = width, Height = height },
            DeviceScaleFactor = scale, Permissions = ["clipboard-read", "clipboard-write"], ReducedMotion = ReducedMotion.Reduce,
        }));

    /// <summary>Ends it.</summary>
    public async ValueTask DisposeAsync()
    {
        await _browser.DisposeAsync();
        _playwright.Dispose();
    }
}

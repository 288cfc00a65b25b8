using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Playwright;

namespace CapiRegistryHook.Harness.Browser;

/// <summary>
/// A window, and everything that goes wrong in it: errors of scripts, refusals by its policy, and requests to other hosts.
/// </summary>
public sealed class BrowserWindow : IAsyncDisposable
{
    private readonly IBrowserContext _context;
    private readonly ConcurrentQueue<string> _faults = new();
    private Uri? _origin;

    private BrowserWindow(IBrowserContext context, IPage page) => (_context, Page) = (context, page);

    /// <summary>The page in it.</summary>
    public IPage Page { get; }

    /// <summary>What went wrong so far.</summary>
    public IReadOnlyList<string> Faults => [.. _faults];

    internal static async Task<BrowserWindow> OpenAsync(IBrowserContext context)
    {
        var window = new BrowserWindow(context, await context.NewPageAsync());
        window.Page.SetDefaultTimeout(60_000);
        window.Page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
                window._faults.Enqueue($"{message.Type}: {message.Text}");
        };
        window.Page.PageError += (_, error) => window._faults.Enqueue(error);
        window.Page.Request += (_, request) =>
        {
            if (window._origin is { } origin && !IsOwn(new Uri(request.Url), origin))
                window._faults.Enqueue($"request to {request.Url}");
        };
        return window;
    }

    /// <summary>Opens an address; requests to other hosts count as faults from here on.</summary>
    public async Task GoToAsync(Uri address)
    {
        _origin = address;
        await Page.GotoAsync(address.AbsoluteUri);
    }

    /// <summary>What axe-core finds: the rules that the page breaks, each with the elements.</summary>
    /// <param name="axeFolder">The folder that <c>tests/harness/axe.sh</c> prints.</param>
    public async Task<IReadOnlyList<string>> FindBarriersAsync(string axeFolder)
    {
        // The page's own policy keeps foreign scripts out of it; what the browser is told to evaluate is not of the page.
        await Page.EvaluateAsync(await File.ReadAllTextAsync(Path.Combine(axeFolder, "axe.min.js")));
        var found = await Page.EvaluateAsync<JsonElement>("""
            async () => (await axe.run(document, { resultTypes: ['violations'] })).violations
              .map(rule => `${rule.id}: ${rule.nodes.map(node => node.html).slice(0, 3).join(' ')}`)
            """);
        return [.. found.EnumerateArray().Select(rule => rule.GetString()!)];
    }

    /// <summary>Ends it.</summary>
    public async ValueTask DisposeAsync() => await _context.DisposeAsync();

    private static bool IsOwn(Uri request, Uri origin) => request.Scheme is "data" or "about" or "blob"
        || (origin.IsFile ? request.AbsoluteUri == origin.AbsoluteUri
            : request.GetLeftPart(UriPartial.Authority) == origin.GetLeftPart(UriPartial.Authority)
                && request.AbsolutePath.StartsWith(origin.AbsolutePath, StringComparison.Ordinal));
}

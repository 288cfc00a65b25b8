using System.Net;

namespace CapiRegistryHook.EndToEnd.Tests.Dashboard;

/// <summary>Who gets to the page: whoever knows its address, on this machine, to look.</summary>
[Collection(InABrowser.Name)]
public sealed class DashboardAccessTests(BrowserFixture fixture)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("GET", "", null, HttpStatusCode.OK)]
    [InlineData("GET", "data/fleet", "localhost:1", HttpStatusCode.OK)]
    [InlineData("GET", "data/fleet", "[::1]:9", HttpStatusCode.OK)]
    [InlineData("GET", "data/fleet", "rebound.example", HttpStatusCode.MisdirectedRequest)]
    [InlineData("GET", "data/fleet", "127.0.0.1.rebound.example", HttpStatusCode.MisdirectedRequest)]
    [InlineData("POST", "data/fleet", null, HttpStatusCode.MethodNotAllowed)]
    [InlineData("DELETE", "data/registry?cluster=a/b", null, HttpStatusCode.MethodNotAllowed)]
    [InlineData("GET", "/", null, HttpStatusCode.NotFound)]
    [InlineData("GET", "/data/fleet", null, HttpStatusCode.NotFound)]
    [InlineData("GET", "/000000000000000000000000000000000000000000000000/data/fleet", null, HttpStatusCode.NotFound)]
    [InlineData("GET", "data/nothing", null, HttpStatusCode.NotFound)]
    [InlineData("GET", "data/registry?cluster=../x", null, HttpStatusCode.BadRequest)]
    [InlineData("GET", "data/tags?cluster=prod-eu/store-0001&repository=../../x", null, HttpStatusCode.BadGateway)]
    public async Task Requests_ByMethodPathAndHost_AreAnsweredOrRefused(string method, string path, string? host, HttpStatusCode expected)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(fixture.Dashboard.Address, path));
        request.Headers.Host = host;

        using var answer = await http.SendAsync(request, Cancelled);

        Assert.Equal(expected, answer.StatusCode);
        Assert.Contains(
            "default-src 'none'; script-src 'self'", answer.Headers.GetValues("Content-Security-Policy").Single(),
            StringComparison.Ordinal);
        Assert.Equal("no-store", answer.Headers.CacheControl!.ToString());
        Assert.Equal("no-referrer", answer.Headers.GetValues("Referrer-Policy").Single());
        Assert.False(answer.Headers.Contains("Set-Cookie"));
    }

    [Fact]
    public async Task Answers_OfAllKinds_HoldNoSecret()
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = fixture.Dashboard.Address };
        var root = await fixture.Site.Admin.GetAsync(
            Harness.Service.AdminClient.Secrets(Harness.Service.HookService.Namespace), DashboardSite.Root, Cancelled);
        var key = System.Text.Encoding.ASCII.GetString(Convert.FromBase64String((string)root["data"]!["tls.key"]!)).Split('\n')[1];

        foreach (var path in new[] { "data/fleet", $"data/registry?cluster={DashboardSite.Namespace}/{DashboardSite.Name}", "" })
        {
            var text = await http.GetStringAsync(new Uri(path, UriKind.Relative), Cancelled);
            Assert.DoesNotContain("PRIVATE KEY", text, StringComparison.Ordinal);
            Assert.DoesNotContain(key, text, StringComparison.Ordinal);
            Assert.DoesNotContain(fixture.Site.Management.Token, text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Command_WhenInterrupted_EndsAtOnce_WithAPageOpen()
    {
        await using var dashboard = await RunningDashboard.StartAsync(fixture.Site, Cancelled);
        await using var window = await fixture.Browser.OpenAsync();
        await window.GoToAsync(dashboard.Address);
        await Microsoft.Playwright.Assertions.Expect(window.Page.Locator(".live")).ToContainTextAsync("Live");

        Assert.Equal(0, await dashboard.EndAsync(Cancelled));
        await Microsoft.Playwright.Assertions.Expect(window.Page.Locator(".live")).ToContainTextAsync("Connection lost");
    }
}

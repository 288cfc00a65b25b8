using System.Text.RegularExpressions;
using CapiRegistryHook.Dashboard.Model;
using CapiRegistryHook.Dashboard.Page;

namespace CapiRegistryHook.Unit.Tests.Dashboard;

public sealed partial class PageBundleTests
{
    /// <summary>The modules share one scope once they are joined, so no two may use the same name for something of their own.</summary>
    [Fact]
    public void Script_OfAllModules_DeclaresEachNameOnce()
    {
        var names = Declaration().Matches(PageBundle.Script).Select(match => match.Groups[1].Value).ToList();

        Assert.NotEmpty(names);
        Assert.Empty(names.GroupBy(name => name, StringComparer.Ordinal).Where(group => group.Count() > 1).Select(group => group.Key));
        Assert.DoesNotContain("\nimport ", PageBundle.Script, StringComparison.Ordinal);
        Assert.DoesNotContain("\nexport ", PageBundle.Script, StringComparison.Ordinal);
    }

    /// <summary>A page that makes markup out of text, or loads something from elsewhere, would be refused by its policy at best.</summary>
    [Theory]
    [InlineData("innerHTML")]
    [InlineData("outerHTML")]
    [InlineData("insertAdjacentHTML")]
    [InlineData("document.write")]
    [InlineData("eval(")]
    [InlineData("http://")]
    [InlineData("https://")]
    public void Script_UsesNothingThatMakesMarkupOrLeavesTheMachine(string forbidden) => Assert.DoesNotContain(
        forbidden, PageBundle.Script.Replace("http://www.w3.org/2000/svg", "", StringComparison.Ordinal), StringComparison.Ordinal);

    [Fact]
    public void Style_LoadsNothing()
    {
        Assert.DoesNotContain("url(", PageBundle.Style, StringComparison.Ordinal);
        Assert.DoesNotContain("@import", PageBundle.Style, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("</script><script>alert(1)</script>")]
    [InlineData("<!--<script>")]
    [InlineData("\"><img src=x onerror=alert(1)>")]
    [InlineData("\u2028\u2029")]
    public void OfflinePage_WithHostileNames_HoldsThemAsJsonAlone(string name)
    {
        var page = new FleetPage(
            DateTimeOffset.UnixEpoch, 0, "0.1.0", [new ClusterRow(name, name, name) { Problem = name, Endpoint = name }], []);

        var html = OfflinePage.Write(new OfflineContent(page, new Dictionary<string, RegistryDetail>()));

        Assert.DoesNotContain(name, html, StringComparison.Ordinal);
        Assert.Equal(2, Regex.Count(html, "</script>"));
        Assert.Contains($"script-src {PageBundle.HashOf(PageBundle.Script)};", html, StringComparison.Ordinal);
    }

    [GeneratedRegex(@"^(?:async )?(?:function|const|let) (\w+)", RegexOptions.Multiline)]
    private static partial Regex Declaration();
}

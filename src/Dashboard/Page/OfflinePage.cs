using System.Text.Json;
using CapiRegistryHook.Dashboard.Model;

namespace CapiRegistryHook.Dashboard.Page;

/// <summary>The page as one file that needs nothing beside it, and that a browser opens without a network.</summary>
public static class OfflinePage
{
    /// <summary>The whole file.</summary>
    /// <param name="content">What it shows.</param>
    /// <returns>HTML; what clusters say is in it as JSON alone, in which no markup can begin.</returns>
    public static string Write(OfflineContent content)
    {
        // The encoder of JSON writes < > & and quotes as \u...: no text can end the element around it.
        var data = JsonSerializer.Serialize(content, DashboardJson.Default.OfflineContent);
        var policy = $"default-src 'none'; script-src {PageBundle.HashOf(PageBundle.Script)}; "
            + $"style-src {PageBundle.HashOf(PageBundle.Style)}; img-src data:; base-uri 'none'; form-action 'none'; "
            + "require-trusted-types-for 'script'; trusted-types 'none'";
        return PageBundle.Fill(
            $"<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n<style>{PageBundle.Style}</style>",
            $"<script type=\"application/json\" id=\"data\">{data}</script>\n<script type=\"module\">{PageBundle.Script}</script>");
    }
}

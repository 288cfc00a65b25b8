using System.Text.Json.Nodes;

namespace CapiRegistryHook.EndToEnd.Tests.Charts;

/// <summary>An image reference in the form of the charts' values.</summary>
internal static class ImageValues
{
    public static JsonObject Of(string reference)
    {
        var slash = reference.IndexOf('/', StringComparison.Ordinal);
        var colon = reference.LastIndexOf(':');
        return new JsonObject { ["registry"] = reference[..slash], ["repository"] = reference[(slash + 1)..colon],
            ["tag"] = reference[(colon + 1)..] };
    }
}

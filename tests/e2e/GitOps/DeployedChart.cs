using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Charts;

namespace CapiRegistryHook.EndToEnd.Tests.GitOps;

/// <summary>What an object of a GitOps tool deploys.</summary>
/// <param name="Chart">The chart's name.</param>
/// <param name="Version">The chart's version.</param>
/// <param name="Repository">Where charts are, without <c>oci://</c>.</param>
/// <param name="Release">The release.</param>
/// <param name="Namespace">Its namespace.</param>
/// <param name="Values">The values.</param>
internal sealed record DeployedChart(
    string Chart, string Version, string Repository, string Release, string Namespace, JsonObject Values)
{
    /// <summary>The folder with all examples.</summary>
    public static string Examples => Path.Combine(RepositoryRoot.Find(), "docs", "examples");

    /// <summary>The objects of a file of the examples.</summary>
    public static IReadOnlyList<JsonObject> Read(string file) => RenderedObjects.Read(File.ReadAllText(Path.Combine(Examples, file)));

    /// <summary>What Argo CD deploys by an Application.</summary>
    public static DeployedChart OfApplication(JsonObject application)
    {
        var (source, spec) = (application["spec"]!["source"]!, application["spec"]!);
        return new DeployedChart(
            Text(source["chart"]), Text(source["targetRevision"]), Text(source["repoURL"]), Text(source["helm"]!["releaseName"]),
            Text(spec["destination"]!["namespace"]), source["helm"]!["valuesObject"]!.AsObject());
    }

    /// <summary>What Flux deploys by the one HelmRelease among these, with the source that it names.</summary>
    public static DeployedChart OfFlux(IReadOnlyList<JsonObject> objects)
    {
        var release = objects.Single(item => item.Kind() == "HelmRelease");
        var spec = release["spec"]!;
        var (chart, version, repository) = spec["chartRef"] is { } reference
            ? OfOciRepository(objects.One(Text(reference["kind"]), Text(reference["name"])))
            : OfHelmRepository(spec["chart"]!["spec"]!, objects);
        return new DeployedChart(
            chart, version, repository, release.Name(), Text(release["metadata"]!["namespace"]), spec["values"]!.AsObject());
    }

    private static (string Chart, string Version, string Repository) OfOciRepository(JsonObject source)
    {
        var url = Text(source["spec"]!["url"]);
        var slash = url.LastIndexOf('/');
        return (url[(slash + 1)..], Text(source["spec"]!["ref"]!["tag"]), WithoutScheme(url[..slash]));
    }

    private static (string Chart, string Version, string Repository) OfHelmRepository(JsonNode chart, IReadOnlyList<JsonObject> objects)
    {
        var source = objects.One(Text(chart["sourceRef"]!["kind"]), Text(chart["sourceRef"]!["name"]));
        return (Text(chart["chart"]), Text(chart["version"]), WithoutScheme(Text(source["spec"]!["url"])));
    }

    private static string WithoutScheme(string url) => url["oci://".Length..];

    private static string Text(JsonNode? node) => (string)node!;
}

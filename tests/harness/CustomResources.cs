using System.Net;
using System.Net.Http.Headers;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace CapiRegistryHook.Harness;

/// <summary>
/// Installs the definitions of Cluster, Machine, MachinePool, HelmChartProxy and ExtensionConfig: the official ones when a folder of
/// upstream data lies beside the checkout
/// (<c>../shared/upstream</c>, or what CAPI_REGISTRY_HOOK_UPSTREAM names), else the reduced ones in <c>crds/</c>.
/// </summary>
public static class CustomResources
{
    private const string UpstreamVariable = "CAPI_REGISTRY_HOOK_UPSTREAM";
    private const string Mark = "tests/definition";
    private const string Definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

    private static readonly string[] Files =
    [
        "cluster.x-k8s.io_clusters.yaml", "cluster.x-k8s.io_machines.yaml", "cluster.x-k8s.io_machinepools.yaml",
        "addons.cluster.x-k8s.io_helmchartproxies.yaml", "addons.cluster.x-k8s.io_helmreleaseproxies.yaml",
        "runtime.cluster.x-k8s.io_extensionconfigs.yaml",
    ];

    private static readonly string[] TemplateFiles =
    [
        "bootstrap.cluster.x-k8s.io_kubeadmconfigtemplates.yaml", "controlplane.cluster.x-k8s.io_kubeadmcontrolplanetemplates.yaml",
    ];

    /// <summary>What this product reads and writes.</summary>
    public static Task InstallAsync(HttpClient http, CancellationToken cancellationToken) =>
        InstallAsync(http, Files.Select(Read), cancellationToken);

    /// <summary>The definition of RegistryContents, which a release of the chart brings by itself.</summary>
    public static Task InstallContentsAsync(HttpClient http, CancellationToken cancellationToken) =>
        InstallAsync(http, [ReadContents()], cancellationToken);

    /// <summary>Clusters as Cluster API 1.9 and 1.10 serve them: in v1beta1 alone. Clusters that are there are deleted.</summary>
    public static async Task InstallFormerClustersAsync(HttpClient http, CancellationToken cancellationToken)
    {
        var definition = Read("cluster.x-k8s.io_clusters.yaml");
        var only = definition["spec"]!["versions"]!.AsArray().Single(version => (string)version!["name"]! == "v1beta1")!.DeepClone();
        (only["served"], only["storage"]) = (true, true);
        definition["spec"]!["versions"] = new JsonArray(only);
        await InstallAsync(http, [definition], cancellationToken);
    }

    /// <summary>The templates that nodes are made from: large, and needed by few tests.</summary>
    public static Task InstallTemplatesAsync(HttpClient http, CancellationToken cancellationToken) =>
        InstallAsync(http, TemplateFiles.Select(Read).Select(WithoutEmptyDefaults), cancellationToken);

    /// <summary>
    /// One version of ClusterClass, in a group of its own: an API server without Cluster API's conversion drops what the stored version
    /// calls by another name.
    /// </summary>
    /// <returns>The group.</returns>
    public static Task<string> InstallClusterClassAsync(HttpClient http, string version, CancellationToken cancellationToken) =>
        InstallClusterClassAsync(http, version, $"{version}.cluster.x.example.com", cancellationToken);

    /// <summary>The same in any group, such as Cluster API's own.</summary>
    public static async Task<string> InstallClusterClassAsync(
        HttpClient http, string version, string group, CancellationToken cancellationToken)
    {
        var definition = WithoutEmptyDefaults(Read("cluster.x-k8s.io_clusterclasses.yaml"));
        var spec = definition["spec"]!;
        var only = spec["versions"]!.AsArray().Single(entry => (string)entry!["name"]! == version)!.DeepClone();
        only["served"] = true;
        only["storage"] = true;
        spec["group"] = group;
        spec["versions"] = new JsonArray(only);
        definition["metadata"] = new JsonObject { ["name"] = $"clusterclasses.{group}" };
        await InstallAsync(http, [definition], cancellationToken);
        return group;
    }

    /// <summary>
    /// Creates definitions and waits until they are served. One that another test defined otherwise goes first, with its objects.
    /// </summary>
    public static async Task InstallAsync(HttpClient http, IEnumerable<JsonNode> from, CancellationToken cancellationToken)
    {
        var definitions = from.ToList();
        foreach (var definition in definitions)
            await CreateAsync(http, definition, cancellationToken);

        foreach (var definition in definitions)
            await WaitAsync(http, definition, cancellationToken);
    }

    private static JsonNode Read(string file)
    {
        using var reader = Open(file);
        return WithoutAlternatives(YamlJson.Read(reader) ?? throw new FormatException($"{file} is empty."));
    }

    /// <summary>
    /// Kubernetes 1.20 builds no model of a kind that has an int-or-string anywhere, and then takes all of its lists for single values in
    /// server-side apply. So such a field takes any value here.
    /// </summary>
    private static JsonNode WithoutAlternatives(JsonNode node)
    {
        foreach (var child in node is JsonObject map ? map.Select(field => field.Value) : node is JsonArray list ? list : [])
        {
            if (child is not null)
                WithoutAlternatives(child);
        }

        if (node is JsonObject schema && schema["x-kubernetes-int-or-string"] is JsonValue value && value.GetValue<bool>())
        {
            schema.Remove("anyOf");
            schema.Remove("x-kubernetes-int-or-string");
            schema["x-kubernetes-preserve-unknown-fields"] = true;
        }

        return node;
    }

    private static JsonNode ReadContents()
    {
        var path = Path.Combine(RepositoryRoot.Find(), "charts", "capi-registry-hook", "files", "registrycontents.yaml");
        using var reader = new StreamReader(path, Encoding.UTF8);
        return YamlJson.Read(reader) ?? throw new FormatException($"{path} is empty.");
    }

    /// <summary>Kubernetes 1.20 takes an empty string as default for null, and refuses it.</summary>
    private static JsonNode WithoutEmptyDefaults(JsonNode node)
    {
        foreach (var child in node is JsonObject map ? map.Select(field => field.Value) : node is JsonArray list ? list : [])
        {
            if (child is not null)
                WithoutEmptyDefaults(child);
        }

        if (node is JsonObject schema && schema["default"] is JsonValue value && value.TryGetValue<string>(out var text)
            && text.Length == 0)
            schema.Remove("default");
        return node;
    }

    private static StreamReader Open(string file)
    {
        var folder = Environment.GetEnvironmentVariable(UpstreamVariable)
            ?? Path.Combine(RepositoryRoot.Find(), "..", "shared", "upstream");
        var official = Path.Combine(folder, "crds", file);
        return File.Exists(official)
            ? new StreamReader(official, Encoding.UTF8)
            : new StreamReader(Assembly.GetExecutingAssembly().GetManifestResourceStream($"crds/{file}")!, Encoding.UTF8);
    }

    private static Task CreateAsync(HttpClient http, JsonNode definition, CancellationToken cancellationToken)
    {
        // The server adds defaults and drops what it doesn't know, so only a mark can tell whether a definition is this one.
        var mark = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(definition.ToJsonString())))[..16];
        var metadata = definition["metadata"]!.AsObject();
        metadata["annotations"] ??= new JsonObject();
        metadata["annotations"]![Mark] = mark;
        return Polling.UntilAsync(
            Name(definition), () => TryCreateAsync(http, definition, mark, cancellationToken), () => "Another one stays.",
            cancellationToken);
    }

    // A plain create: server-side apply in 1.20 refuses schemas with keywords it doesn't know.
    private static async Task<bool> TryCreateAsync(HttpClient http, JsonNode definition, string mark, CancellationToken cancellationToken)
    {
        using var body = new StringContent(definition.ToJsonString(), new MediaTypeHeaderValue("application/json"));
        using var answer = await http.PostAsync(new Uri(Definitions, UriKind.Relative), body, cancellationToken);
        if (answer.StatusCode == HttpStatusCode.Created)
            return true;
        if (answer.StatusCode == HttpStatusCode.Conflict)
            return await IsThereAsync(http, Name(definition), mark, cancellationToken);

        var text = await answer.Content.ReadAsStringAsync(cancellationToken);
        throw new InvalidOperationException(
            $"{Name(definition)} was refused with {(int)answer.StatusCode}: {text[..Math.Min(text.Length, 1000)]}");
    }

    /// <summary>Whether it stays there as it was marked; deletes another one. One that is being deleted serves until it is gone.</summary>
    private static async Task<bool> IsThereAsync(HttpClient http, string name, string mark, CancellationToken cancellationToken)
    {
        var path = new Uri($"{Definitions}/{name}", UriKind.Relative);
        using var answer = await http.GetAsync(path, cancellationToken);
        if (answer.StatusCode == HttpStatusCode.NotFound)
            return false;
        answer.EnsureSuccessStatusCode();
        var metadata = JsonNode.Parse(await answer.Content.ReadAsStringAsync(cancellationToken))!["metadata"]!;
        if (metadata["deletionTimestamp"] is not null)
            return false;
        if ((string?)metadata["annotations"]?[Mark] == mark)
            return true;
        using var deleted = await http.DeleteAsync(path, cancellationToken);
        return false;
    }

    private static async Task WaitAsync(HttpClient http, JsonNode definition, CancellationToken cancellationToken)
    {
        var name = Name(definition);
        Task<bool> Established() => IsEstablishedAsync(http, name, cancellationToken);
        await Polling.UntilAsync(name, Established, () => "It was created but is not Established.", cancellationToken);
        foreach (var list in Lists(definition))
        {
            Task<bool> Served() => AnswersAsync(http, list, cancellationToken);
            await Polling.UntilAsync(list, Served, () => "It is Established but not served.", cancellationToken);
        }
    }

    private static async Task<bool> IsEstablishedAsync(HttpClient http, string name, CancellationToken cancellationToken)
    {
        using var answer = await http.GetAsync(new Uri($"{Definitions}/{name}", UriKind.Relative), cancellationToken);
        answer.EnsureSuccessStatusCode();
        var definition = JsonNode.Parse(await answer.Content.ReadAsStringAsync(cancellationToken));
        // Null as long as no controller has looked at it.
        return definition?["status"]?["conditions"] is JsonArray conditions
            && conditions.Any(condition => (string?)condition?["type"] == "Established" && (string?)condition["status"] == "True");
    }

    private static async Task<bool> AnswersAsync(HttpClient http, string path, CancellationToken cancellationToken)
    {
        using var answer = await http.GetAsync(new Uri(path, UriKind.Relative), cancellationToken);
        return answer.StatusCode == HttpStatusCode.OK;
    }

    private static IEnumerable<string> Lists(JsonNode definition)
    {
        var spec = definition["spec"]!;
        return spec["versions"]!.AsArray()
            .Where(version => (bool)version!["served"]!)
            .Select(version => $"/apis/{spec["group"]}/{version!["name"]}/{spec["names"]!["plural"]}?limit=1");
    }

    private static string Name(JsonNode definition) => (string)definition["metadata"]!["name"]!;
}

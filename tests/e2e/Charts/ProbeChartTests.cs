using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Charts;

namespace CapiRegistryHook.EndToEnd.Tests.Charts;

/// <summary>How the kubelet checks the pods of the registry chart, and what names look like in what Helm renders.</summary>
public sealed class ProbeChartTests
{
    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    /// <summary>Distribution logs a request to / like any other; the debugging port, open with the metrics only, logs none.</summary>
    [Theory]
    [InlineData(false, "/ https HTTPS", "/ https HTTPS")]
    [InlineData(true, "/ https HTTPS", "/debug/health metrics ")]
    public async Task Checks_OfTheKubelet_AreNotLoggedWhereThatIsPossible(bool metrics, string startup, string later)
    {
        var registry = Containers(await RenderAsync("--set", $"metrics.enabled={(metrics ? "true" : "false")}"))["registry"];

        Assert.Equal([startup, later, later], ((string[])["startupProbe", "readinessProbe", "livenessProbe"]).Select(probe =>
            Check(registry[probe]!)));
    }

    /// <summary>A replica that lost its volume is not ready before it has what the others have.</summary>
    [Fact]
    public async Task Sidecar_UntilTheFirstFill_KeepsThePodFromBeingReady()
    {
        var sidecar = Containers(await RenderAsync())["regsync"];

        Assert.Equal("""["/bin/sh","-c","test -e \"$FILLED\""]""",
            sidecar["readinessProbe"]!["exec"]!["command"]!.ToJsonString(
                new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }));
        var filled = Assert.Single(sidecar["env"]!.AsArray(), variable => (string)variable!["name"]! == "FILLED");
        Assert.Equal("/var/lib/registry/.filled", (string)filled!["value"]!);
        Assert.Contains(sidecar["volumeMounts"]!.AsArray(), mount => (string)mount!["name"]! == "data"
            && (string)mount["mountPath"]! == "/var/lib/registry");
    }

    /// <summary>YAML takes 20261 for a number, and Kubernetes takes no number for a name.</summary>
    [Theory]
    [InlineData("helm3", "hook")]
    [InlineData("helm3", "ingress")]
    [InlineData("helm3", "existing-claim")]
    [InlineData("helm3", "s3")]
    [InlineData("helm3", "garbage-collection-shared")]
    [InlineData("helm3", "caches")]
    [InlineData("helm3", "metrics")]
    [InlineData("helm4", "pvc")]
    public async Task Names_OfDigitsOnly_AreText(string helm, string name)
    {
        const string Digits = "20261";
        string[] named =
        [
            "tls.secretName", "httpSecret.secretName", "trustedCA.secretName", "auth.htpasswd.secretName", "priorityClassName",
            "serviceAccount.name", "storage.storageClassName", "storage.existingClaim.claimName", "storage.s3.credentials.secretName",
                "pullThrough.storage.storageClassName",
            "ingress.className", "ingress.tlsSecretName", "tls.certificateSerial", "httpSecret.key",
        ];
        var chart = ChartFolder.Open("registry");

        var objects = await new HelmProgram(helm, Digits, Digits).ObjectsAsync(
            chart.Path, CancellationToken, ["--values", chart.File($"ci/{name}-values.yaml"), .. named.SelectMany(path =>
                (string[])["--set-string", $"{path}={Digits}"])]);

        Assert.NotEmpty(objects);
        Assert.Empty(objects.SelectMany(entry => Numbers(entry, $"{entry.Kind()}")).Where(found => found.Number == Digits).Select(found =>
            found.Path));
    }

    private static async Task<IReadOnlyList<JsonObject>> RenderAsync(params string[] arguments) =>
        await new HelmProgram("helm3").ObjectsAsync(ChartFolder.Open("registry").Path, CancellationToken, arguments);

    private static Dictionary<string, JsonObject> Containers(IReadOnlyList<JsonObject> objects) =>
        objects.One("StatefulSet", "registry")["spec"]!["template"]!.AsObject().Containers().ToDictionary(container =>
            (string)container["name"]!);

    private static string Check(JsonNode probe) => $"{probe["httpGet"]!["path"]} {probe["httpGet"]!["port"]} {probe["httpGet"]!["scheme"]}";

    private static IEnumerable<(string Path, string Number)> Numbers(JsonNode? node, string path) => node switch
    {
        JsonObject members => members.SelectMany(member => Numbers(member.Value, $"{path}.{member.Key}")),
        JsonArray items => items.SelectMany((item, index) => Numbers(item, $"{path}[{index}]")),
        JsonValue value when value.GetValueKind() == System.Text.Json.JsonValueKind.Number => [(path, value.ToJsonString())],
        _ => [],
    };
}

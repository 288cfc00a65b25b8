using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Hooks.Contract;
using CapiRegistryHook.Hooks.Handlers;
using CapiRegistryHook.Hooks.Operations;
using CapiRegistryHook.Registry.Enabling;
using CapiRegistryHook.Registry.Plan;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;

namespace CapiRegistryHook.Unit.Tests.Hooks.Contract;

/// <summary>AdmissionReviews through the endpoint: what is answered, what is refused, and that every Cluster is admitted.</summary>
public sealed class AdmissionTests
{
    private readonly HookEndpoint _endpoint = new(new HookMetrics(), TimeProvider.System, NullLogger<HookEndpoint>.Instance);

    [Fact]
    public async Task Admit_NewCluster_IsPatched()
    {
        var response = await AdmitAsync(Review(), ClassSupport.Present);

        Assert.Equal("JSONPatch", (string?)response["patchType"]);
        Assert.Equal(
            """[{"op":"add","path":"/spec/topology/variables","value":[{"name":"clusterConfig","value":{"addons":{"registry":{}}}}]}]""",
            Encoding.UTF8.GetString(Convert.FromBase64String((string)response["patch"]!)));
        Assert.Null(response["warnings"]);
    }

    [Fact]
    public async Task Admit_ClassWithoutTheVariable_IsLeftAlone() => AssertLeftAlone(await AdmitAsync(Review(), ClassSupport.Absent));

    [Fact]
    public async Task Admit_ClassIsNotKnown_IsLeftAloneWithAWarning()
    {
        var response = await AdmitAsync(Review(), ClassSupport.Unknown);

        Assert.Equal("No registry was requested: the variables of the ClusterClass team-a/prod are not known yet. Set "
            + "clusterConfig.addons.registry to request one.", (string?)response["warnings"]![0]);
        response.Remove("warnings");
        AssertLeftAlone(response);
    }

    [Theory]
    [InlineData("operation", "UPDATE")]
    [InlineData("operation", "DELETE")]
    [InlineData("subResource", "status")]
    public async Task Admit_AnotherRequest_IsLeftAlone(string field, string value)
    {
        var review = Review();
        review["request"]![field] = value;

        AssertLeftAlone(await AdmitAsync(review, ClassSupport.Present));
    }

    [Fact]
    public async Task Admit_AnotherKind_IsLeftAlone()
    {
        var review = Review();
        review["request"]!["kind"]!["kind"] = "Machine";

        AssertLeftAlone(await AdmitAsync(review, ClassSupport.Present));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("""{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview","request":{"uid":"1"}}""")]
    [InlineData("""{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}""")]
    [InlineData("""{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{}}""")]
    [InlineData("""{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1","kind":1}}""")]
    public async Task Admit_NoReview_IsRefused(string body) =>
        Assert.Equal(400, (await SendAsync(Encoding.UTF8.GetBytes(body), ClassSupport.Present)).Status);

    /// <summary>A smaller cap than for hooks, and room of its own: anybody may send these, and hooks must not wait for it.</summary>
    [Fact]
    public async Task Admit_LongBody_IsRefused()
    {
        var (status, text) = await SendAsync(new byte[(4 * 1024 * 1024) + 1], ClassSupport.Present);

        Assert.Equal((413, """{"error":"The body is longer than 4 MiB."}"""), (status, text));
    }

    private static void AssertLeftAlone(JsonObject response)
    {
        Assert.Equal(["uid", "allowed"], response.Select(field => field.Key));
        Assert.True((bool?)response["allowed"]);
    }

    private async Task<JsonObject> AdmitAsync(JsonObject review, ClassSupport support)
    {
        var (status, text) = await SendAsync(Encoding.UTF8.GetBytes(review.ToJsonString()), support);
        Assert.Equal(200, status);
        var answer = JsonNode.Parse(text)!.AsObject();
        Assert.Equal(("admission.k8s.io/v1", "AdmissionReview"), ((string?)answer["apiVersion"], (string?)answer["kind"]));
        var response = answer["response"]!.AsObject();
        Assert.Equal("u1", (string?)response["uid"]);
        return response;
    }

    private async Task<(int Status, string Text)> SendAsync(byte[] body, ClassSupport support)
    {
        var enabling = new AutoEnabling(new RegistryOptions { AutoEnable = AutoEnableMode.On }, (_, _, _) => Task.FromResult(support));
        using var answer = new MemoryStream();
        var http = new DefaultHttpContext();
        http.Request.Body = new MemoryStream(body);
        http.Response.Body = answer;
        await _endpoint.AdmitAsync(http, new AutoEnableHandler(enabling).HandleAsync);
        return (http.Response.StatusCode, Encoding.UTF8.GetString(answer.ToArray()));
    }

    private static JsonObject Review() => JsonNode.Parse(
        """
        {
          "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
          "request": {
            "uid": "u1", "kind": { "group": "cluster.x-k8s.io", "version": "v1beta1", "kind": "Cluster" },
            "operation": "CREATE", "namespace": "team-a",
            "object": {
              "apiVersion": "cluster.x-k8s.io/v1beta1", "kind": "Cluster", "metadata": { "generateName": "c-" },
              "spec": { "topology": { "class": "prod", "version": "v1.34.0" } }
            }
          }
        }
        """)!.AsObject();
}

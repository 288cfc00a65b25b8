using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>What Cluster API accepts as an answer, as its runtime client checks it.</summary>
internal static partial class Contract
{
    private const string ApiVersion = "hooks.runtime.cluster.x-k8s.io/v1alpha1";
    private static readonly string[] BlockingHooks = ["BeforeClusterCreate", "BeforeClusterUpgrade"];

    public static void AssertAllowed(string hook, HookAnswer answer)
    {
        Assert.Equal(200, answer.StatusCode);
        var body = answer.Json.AsObject();
        Assert.Equal(ApiVersion, (string?)body["apiVersion"]);
        Assert.Equal(hook + "Response", (string?)body["kind"]);
        Assert.Contains((string?)body["status"], new[] { "Success", "Failure" });
        Assert.NotNull((string?)body["message"]);
        Assert.Equal(BlockingHooks.Contains(hook), body["retryAfterSeconds"] is JsonValue seconds && seconds.TryGetValue<int>(out _));
    }

    public static void AssertDiscovery(HookAnswer answer)
    {
        Assert.Equal(200, answer.StatusCode);
        Assert.Equal(
            ("DiscoveryResponse", "Success", ApiVersion),
            ((string?)answer.Json["kind"], answer.Status, (string?)answer.Json["apiVersion"]));
        var handlers = answer.Json["handlers"]!.AsArray();
        Assert.Equal(handlers.Count, handlers.Select(handler => (string?)handler!["name"]).Distinct().Count());
        foreach (var handler in handlers)
        {
            Assert.Matches(Label(), (string?)handler!["name"]);
            Assert.InRange((int)handler["timeoutSeconds"]!, 1, 30);
            Assert.Contains((string?)handler["failurePolicy"], new[] { "Fail", "Ignore" });
            Assert.Equal(ApiVersion, (string?)handler["requestHook"]!["apiVersion"]);
        }

        Assert.Equal(
            [
                ("aftercontrolplaneinitialized", "AfterControlPlaneInitialized"), ("beforeclustercreate", "BeforeClusterCreate"),
                ("beforeclusterupgrade", "BeforeClusterUpgrade"), ("discovervariables", "DiscoverVariables"),
                ("generatepatches-v1", "GeneratePatches"), ("generatepatches-v2", "GeneratePatches"),
                ("generatepatches-v3", "GeneratePatches"),
                ("validatetopology", "ValidateTopology"),
            ],
            handlers.Select(handler => ((string?)handler!["name"], (string?)handler["requestHook"]!["hook"])));
    }

    [GeneratedRegex("^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]
    private static partial Regex Label();
}

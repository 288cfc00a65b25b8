using System.Text.Json;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.ServerCertificates;

namespace CapiRegistryHook.Unit.Tests.Registry.ServerCertificates;

/// <summary>What a pod's status says of pods that will not start, in what kubelets write.</summary>
public sealed class PodFailureTests
{
    private const string Pull = "The registry's pod registry-0 can't pull the image example.test/registry:9 of its container \"registry\".";

    [Theory]
    [InlineData("ErrImagePull", 0, Pull)]
    [InlineData("ImagePullBackOff", 0, Pull)]
    [InlineData("InvalidImageName", 0, Pull)]
    [InlineData("CreateContainerConfigError", 0,
        "The container \"registry\" of the registry's pod registry-0 can't be started; see the Events of the pod.")]
    [InlineData("CrashLoopBackOff", 3, "The container \"registry\" of the registry's pod registry-0 ends again and again; see its log.")]
    [InlineData("CrashLoopBackOff", 1, null)]
    [InlineData("ContainerCreating", 0, null)]
    public void Of_Waiting_SaysWhatAPersonHasToChange(string reason, int restarts, string? sentence) =>
        Assert.Equal(sentence, PodFailure.Of(Pod($$$"""{"waiting":{"reason":"{{{reason}}}","message":"Back-off 40s"}}""", restarts)));

    /// <summary>Between two crashes a container runs for a moment; that is the same state.</summary>
    [Fact]
    public void Of_RunsBetweenTwoCrashes_IsTheSame() => Assert.Equal(
        PodFailure.Of(Pod("""{"waiting":{"reason":"CrashLoopBackOff"}}""", 4)), PodFailure.Of(Pod("""{"running":{}}""", 4)));

    [Fact]
    public void Of_ReadyAfterManyRestarts_IsNothing() => Assert.Null(PodFailure.Of(Pod("""{"running":{}}""", 9, ready: true)));

    /// <summary>A workload cluster may send anything.</summary>
    [Fact]
    public void Of_ContainersThatAreNull_ArePassedOver() => Assert.Null(PodFailure.Of(JsonSerializer.Deserialize(
        """{"metadata":{"name":"registry-0"},"status":{"initContainerStatuses":[null],"containerStatuses":[null]}}""",
        CoreResources.Pods.Json)!));

    private static Pod Pod(string state, int restarts, bool ready = false) => JsonSerializer.Deserialize($$"""
        {
          "metadata": { "name": "registry-0" },
          "status": {
            "conditions": [{ "type": "Ready", "status": "{{ready}}" }],
            "containerStatuses": [
              { "name": "sync", "image": "example.test/regsync:1", "ready": true, "state": { "running": {} } },
              { "name": "registry", "image": "example.test/registry:9", "ready": {{(ready ? "true" : "false")}},
                "restartCount": {{restarts}}, "state": {{state}} }
            ]
          }
        }
        """, CoreResources.Pods.Json)!;
}

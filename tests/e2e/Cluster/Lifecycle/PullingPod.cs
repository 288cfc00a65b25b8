using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Cluster;

namespace CapiRegistryHook.EndToEnd.Tests.Cluster.Lifecycle;

/// <summary>A pod that says one word and ends. When its image can't be pulled, kubelet's own words are the failure.</summary>
internal static class PullingPod
{
    private const string Name = "app";
    private const string Waiting = "jsonpath={.status.phase} {.status.containerStatuses[0].state.waiting.reason}";
    private const string Message = "jsonpath={.status.containerStatuses[0].state.waiting.message}";

    public static async Task RunAsync(Kubectl kubectl, string @namespace, string image, TimeSpan bound, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(bound);
        await kubectl.ApplyAsync(Manifests.Pod(@namespace, Name, image, "echo from the registry"), limit.Token);
        try
        {
            await Polling.UntilAsync($"the pod of {image}", () => HasEndedAsync(kubectl, @namespace, limit.Token), () => "", limit.Token);
        }
        finally
        {
            await kubectl.RunAsync(CancellationToken.None, "--namespace", @namespace, "delete", "pod", Name, "--force", "--grace-period=0");
        }
    }

    private static async Task<bool> HasEndedAsync(Kubectl kubectl, string @namespace, CancellationToken cancellationToken)
    {
        var state = (await AskAsync(Waiting)).Split(' ');
        // Waiting to try again says less than the try that failed.
        return state is [_, "ErrImagePull"]
            ? throw new InvalidOperationException($"The pod does not start: {await AskAsync(Message)}")
            : state[0] == "Succeeded";

        async Task<string> AskAsync(string what) =>
            (await kubectl.RunAsync(
                cancellationToken, "--namespace", @namespace, "get", "pod", Name, $"--output={what}")).OutputOfSuccess();
    }
}

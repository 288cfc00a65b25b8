using System.Text;

namespace CapiRegistryHook.Harness.Cluster;

/// <summary>kubectl against one cluster.</summary>
/// <param name="kubeconfigFile">The cluster's kubeconfig.</param>
public sealed class Kubectl(string kubeconfigFile)
{
    /// <summary>Runs kubectl and returns what it said.</summary>
    public async Task<CommandResult> RunAsync(CancellationToken cancellationToken, params string[] arguments) =>
        await OutsideCommand.RunAsync(
            await TestTools.PathOfAsync("kubectl"), [$"--kubeconfig={kubeconfigFile}", .. arguments], cancellationToken);

    /// <summary>Runs a command with text as its input; it may fail.</summary>
    public async Task<CommandResult> RunAsync(string input, CancellationToken cancellationToken, params string[] arguments)
    {
        using var text = new MemoryStream(Encoding.UTF8.GetBytes(input));
        return await OutsideCommand.RunAsync(
            await TestTools.PathOfAsync("kubectl"), [$"--kubeconfig={kubeconfigFile}", .. arguments], cancellationToken, text);
    }

    /// <summary>Applies manifests.</summary>
    public async Task ApplyAsync(string yaml, CancellationToken cancellationToken)
    {
        using var text = new MemoryStream(Encoding.UTF8.GetBytes(yaml));
        string[] apply = [$"--kubeconfig={kubeconfigFile}", "apply", "--filename=-"];
        (await OutsideCommand.RunAsync(await TestTools.PathOfAsync("kubectl"), apply, cancellationToken, text)).OutputOfSuccess();
    }

    /// <summary>
    /// Waits until a StatefulSet, Deployment or DaemonSet is rolled out; the exception has the pods and events of its namespace.
    /// </summary>
    /// <param name="namespace">Its namespace.</param>
    /// <param name="target">For example <c>statefulset/registry</c>.</param>
    /// <param name="bound">How long it may take.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task WaitForRolloutAsync(string @namespace, string target, TimeSpan bound, CancellationToken cancellationToken) =>
        WaitAsync(@namespace, ["rollout", "status", target, $"--timeout={(int)bound.TotalSeconds}s"], cancellationToken);

    /// <summary>
    /// Waits for a condition, as <c>kubectl wait --for</c> names it; the exception has the pods and events of its namespace.
    /// </summary>
    /// <param name="namespace">Its namespace.</param>
    /// <param name="target">For example <c>pod/client</c>.</param>
    /// <param name="condition">For example <c>condition=Ready</c> or <c>jsonpath={.status.phase}=Succeeded</c>.</param>
    /// <param name="bound">How long it may take.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task WaitForAsync(string @namespace, string target, string condition, TimeSpan bound, CancellationToken cancellationToken) =>
        WaitAsync(@namespace, ["wait", target, $"--for={condition}", $"--timeout={(int)bound.TotalSeconds}s"], cancellationToken);

    private async Task WaitAsync(string @namespace, string[] command, CancellationToken cancellationToken)
    {
        var result = await RunAsync(cancellationToken, ["--namespace", @namespace, .. command]);
        if (result.Succeeded)
            return;

        var pods = await RunAsync(cancellationToken, "--namespace", @namespace, "get", "pods", "--output=wide");
        var events = await RunAsync(cancellationToken, "--namespace", @namespace, "get", "events", "--sort-by=.lastTimestamp");
        throw new TimeoutException($"'{result.Command}': {result.Errors}{result.Output}\n{pods.Output}\n{events.Output}");
    }
}

using CapiRegistryHook.Demo;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Embedded;

// The main job, played for a person: CLUSTER=embedded (default) or CLUSTER=real.
using var interrupted = new CancellationTokenSource();
Console.CancelKeyPress += (_, press) =>
{
    press.Cancel = true;
    interrupted.Cancel();
};

switch (args)
{
    case [] or ["embedded"]:
        return await Walkthrough.RunAsync(
            "embedded, in-memory", async (name, token) => await EmbeddedApiServer.StartAsync(name, token), interrupted.Token);
    case ["real"]:
        var binaries = await KubernetesBinaries.EnsureAsync(Console.Error, interrupted.Token);
        return await Walkthrough.RunAsync(
            "real kube-apiserver and etcd", async (name, token) => await RealApiServer.StartAsync(name, binaries, token),
            interrupted.Token);
    default:
        await Console.Error.WriteLineAsync("CLUSTER must be embedded or real.");
        return 2;
}

using System.Reflection;

namespace CapiRegistryHook.Harness.Cluster;

/// <summary>
/// Images made on this machine, as archives, for nodes that can't pull any, and for pushing into registries: the service's as it is
/// released, all others by <c>images.sh</c>.
/// </summary>
public static class LocalImages
{
    /// <summary>What <c>Directory.Build.props</c> gives to all that is built here, the service too.</summary>
    private static readonly string Version =
        typeof(LocalImages).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    /// <summary>The archive of an image; made when it is not there or out of date.</summary>
    public static async Task<string> ArchiveAsync(TestImage image, CancellationToken cancellationToken)
    {
        if (image == TestImage.Hook)
        {
            await HarnessScript.RunAsync("../../packaging/image.sh", [], Console.Error, cancellationToken);
            return Path.Combine(RepositoryRoot.Find(), "artifacts", "image", "image.tar");
        }

        var name = ReferenceOf(image).Split('/', ':')[1];
        var folder = await HarnessScript.RunAsync("Cluster/images.sh", [name], Console.Error, cancellationToken);
        return Path.Combine(folder, $"{name}.tar");
    }

    /// <summary>The reference that the archive carries.</summary>
    public static string ReferenceOf(TestImage image) => image switch
    {
        TestImage.Busybox => "registry.test/busybox:1",
        TestImage.Registry => "registry.test/registry:2.8.2",
        TestImage.Regsync => "registry.test/regsync:standin",
        TestImage.Kubectl => "registry.test/kubectl:1.31.9",
        TestImage.Curl => "registry.test/curl:standin",
        TestImage.Hook => $"registry.example.com/capi-registry-hook:{Version}",
        _ => throw new ArgumentOutOfRangeException(nameof(image), image, "There is no such image."),
    };

    /// <summary>Imports an image into a node's containerd and returns its reference.</summary>
    public static async Task<string> ImportAsync(ClusterNode node, TestImage image, CancellationToken cancellationToken)
    {
        await node.ImportAsync(await ArchiveAsync(image, cancellationToken), cancellationToken);
        return ReferenceOf(image);
    }
}

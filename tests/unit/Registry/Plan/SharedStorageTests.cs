using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Unit.Tests.Registry.Plan;

public sealed class SharedStorageTests
{
    [Theory]
    [InlineData("storage: {type: s3, s3: {bucket: b}}", "storage.s3.rootDirectory")]
    [InlineData("storage: {type: s3, s3: {bucket: b, rootDirectory: \"/r/${cluster}\"}}", "storage.s3.rootDirectory")]
    [InlineData("storage: {type: s3, s3: {bucket: b, rootDirectory: \"/r/${namespace}\"}}", "storage.s3.rootDirectory")]
    [InlineData("storage: {type: s3, s3: {bucket: b, rootDirectory: \"/r/${namespace}-${cluster}\"}}", "storage.s3.rootDirectory")]
    [InlineData("storage: {type: s3, s3: {bucket: b, rootDirectory: \"/r/$${namespace}/$${cluster}\"}}", "storage.s3.rootDirectory")]
    [InlineData("storage: {type: gcs, gcs: {bucket: b}}", "storage.gcs.rootDirectory")]
    [InlineData("storage: {type: azure, azure: {accountName: a, container: b}}", "storage.azure.rootDirectory")]
    [InlineData(
        "image: {tag: 2.8.3}\nstorage: {type: azure, azure: {accountName: a, container: b, rootDirectory: \"${namespace}/${cluster}\"}}",
        "storage.azure.container")]
    [InlineData("storage: {type: nfs, nfs: {server: s, path: /exports}}", "storage.nfs.path")]
    [InlineData("storage: {type: existingClaim, existingClaim: {claimName: c}}", "storage.existingClaim.folder")]
    public void Replace_SharedStorageWithoutAPlacePerCluster_IsRefused(string yaml, string field)
    {
        var exception = Assert.Throws<RegistryDefaultsException>(() => new RegistryDefaults().Replace(yaml));

        Assert.Contains("would put the registries of all clusters into one place", exception.Message, StringComparison.Ordinal);
        Assert.Contains($"put ${{namespace}} and ${{cluster}} into {field}, with", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("storage: {type: s3, s3: {bucket: b, rootDirectory: \"/r/${namespace}/${cluster}\"}}")]
    [InlineData("storage: {type: s3, s3: {bucket: \"r-${namespace}\", rootDirectory: \"/${cluster}\"}}")]
    [InlineData("storage: {type: gcs, gcs: {bucket: b, rootDirectory: \"${cluster}.${namespace}\"}}")]
    [InlineData("storage: {type: azure, azure: {accountName: a, container: b, rootDirectory: \"${namespace}/${cluster}\"}}")]
    [InlineData("storage: {type: nfs, nfs: {server: s, path: \"/exports/${namespace}/${cluster}\"}}")]
    [InlineData("storage: {type: existingClaim, existingClaim: {claimName: c, folder: \"${namespace}/${cluster}\"}}")]
    [InlineData("storage: {type: existingClaim, existingClaim: {claimName: \"${namespace}.${cluster}\"}}")]
    [InlineData("storage: {type: hostPath, hostPath: {path: /data}}")]
    [InlineData("storage: {type: emptyDir}")]
    public void Replace_PlacePerClusterOrPrivateStorage_IsTaken(string yaml) => Assert.True(new RegistryDefaults().Replace(yaml));

    [Theory]
    [InlineData("config: {storage: {s3: {bucket: b}}}", "config.storage.s3.bucket")]
    [InlineData("config: {storage: {filesystem: {rootdirectory: /x}}}", "config.storage.filesystem.rootdirectory")]
    [InlineData("extraEnv: [{name: A, value: b}, {name: REGISTRY_STORAGE_S3_ROOTDIRECTORY, value: /x}]", "extraEnv[1]")]
    public void Replace_PlaceSetPastTheChart_IsRefused(string yaml, string field)
    {
        var exception = Assert.Throws<RegistryDefaultsException>(() => new RegistryDefaults().Replace(yaml));

        Assert.Equal(
            $"The value {field} overrides where the registry keeps its layers; remove it and set the fields of storage.",
            exception.Message);
    }
}

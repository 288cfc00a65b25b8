using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;

namespace CapiRegistryHook.Unit.Tests.Registry.Objects;

/// <summary>Which changes of an object bring about another look, and which owner of it stays.</summary>
public sealed class ObjectHeaderTests
{
    private static readonly ObjectMeta Base = new()
    {
        Name = "c1",
        Namespace = "default",
        Uid = "1",
        ResourceVersion = "7",
        Generation = 3,
        Labels = new Dictionary<string, string> { ["a"] = "1", ["b"] = "2" },
        Annotations = new Dictionary<string, string> { ["c"] = "3" },
    };

    private static readonly OwnerReference Old = new() { ApiVersion = "cluster.x-k8s.io/v1beta1", Kind = "Cluster", Name = "c1",
        Uid = "1" };
    private static readonly OwnerReference New = Old with { ApiVersion = "cluster.x-k8s.io/v1beta2" };

    public static TheoryData<string, bool> Changes => new()
    {
        { "resourceVersion", false }, { "label order", false },
        { "uid", true }, { "generation", true }, { "label", true }, { "annotation", true }, { "deletion", true }, { "owner", true },
        { "moved value", true },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public void Fingerprint_Changed_Differs(string what, bool differs)
    {
        var changed = what switch
        {
            "resourceVersion" => Base with { ResourceVersion = "8" },
            "label order" => Base with { Labels = new Dictionary<string, string> { ["b"] = "2", ["a"] = "1" } },
            "uid" => Base with { Uid = "2" },
            "generation" => Base with { Generation = 4 },
            "label" => Base with { Labels = new Dictionary<string, string> { ["a"] = "1", ["b"] = "3" } },
            "annotation" => Base with { Annotations = new Dictionary<string, string> { ["c"] = "4" } },
            "deletion" => Base with { DeletionTimestamp = DateTimeOffset.UnixEpoch },
            "owner" => Base with { OwnerReferences = [Old] },
            _ => Base with { Labels = new Dictionary<string, string> { ["a"] = "2", ["b"] = "1" } },
        };

        Assert.Equal(differs, Print(Base) != Print(changed));
    }

    [Fact]
    public void Settle_TwoVersionsOfOneCluster_TheNewerStays()
    {
        Assert.Equal(New, ClusterOwner.Settle(Old, Base with { OwnerReferences = [New] }));
        Assert.Equal(New, ClusterOwner.Settle(New, Base with { OwnerReferences = [Old] }));
        Assert.Equal(Old, ClusterOwner.Settle(Old, Base with { OwnerReferences = [New with { Uid = "2" }] }));
        Assert.Equal(Old, ClusterOwner.Settle(Old, null));
    }

    private static int Print(ObjectMeta metadata) => new ObjectHeader { Metadata = metadata }.Fingerprint;
}

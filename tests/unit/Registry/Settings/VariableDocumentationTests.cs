using CapiRegistryHook.Harness;
using CapiRegistryHook.Registry.Settings;

namespace CapiRegistryHook.Unit.Tests.Registry.Settings;

/// <summary>docs/variable.md is written from the shape of the settings; UPDATE_GOLDEN=1 writes it anew.</summary>
public sealed class VariableDocumentationTests
{
    [Fact]
    public void VariablePage_FollowsTheShape()
    {
        var page = Path.Combine(RepositoryRoot.Find(), "docs", "variable.md");
        var wanted = Write();
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
            File.WriteAllText(page, wanted);

        Assert.Equal(wanted, File.ReadAllText(page));
    }

    private static string Write() => $$"""
        # The variable

        Under `addons.registry` in the topology variable `clusterConfig` (both names are options of the service). `{}` requests a registry
        with all defaults; absent or `null` means none, and removing it later [removes the registry](reconciler.md#what-it-does). Other fields
        of the same variable are left alone. A field that is not in this table is refused, so that no misspelt field is ignored.

        A running registry takes over changes, and its pods restart one by one; [volumes and
        addresses](registry-values.md#volumes-stay-as-they-were-installed) stay, but volumes can grow. What nodes use is in their templates: Cluster
        API replaces the nodes when `addons.registry` is set or removed, and when `mirror`, `addresses` or `auth.generate` change.

        | field | type | default | meaning |
        |---|---|---|---|
        {{string.Concat(SettingsShape.Registry.Leaves().Select(Row))}}
        A default in code letters is part of the variable's schema: Cluster API writes it into the Cluster when it defaults the object around
        it, and it stays there. The other defaults apply as they are at the time, so an admin can change them for all clusters.

        From `spec.clusterNetwork`: `services.cidrBlocks` (one block, or one IPv4 and one IPv6 block; none means 10.96.0.0/12) and
        `serviceDomain` (none means `cluster.local`). A block needs room for index 21: /27 or /123, or both addresses given. Below /23,
        Kubernetes may hand these addresses out to other Services before the registry is installed; `plan` warns then.

        What the fields of `mirror` put on nodes: [nodes.md](nodes.md).

        """;

    private static string Row((string Path, Setting Field) leaf) =>
        $"| `{leaf.Path}` | {leaf.Field.TypeText} | {leaf.Field.DefaultText} | {leaf.Field.Meaning} |\n";
}

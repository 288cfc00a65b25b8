using System.Text.Json.Nodes;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.Unit.Tests.Registry.Reconciliation;

/// <summary>What <c>status</c> knows of the content that is declared for a Cluster.</summary>
public sealed class DeclaredContentsTests : IDisposable
{
    private readonly ReconcilerFixture _fixture = new();

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task Status_ContentsOfTwoNamespaces_CountsThoseThatSelectTheClusterAndThoseThatFailThere()
    {
        await _fixture.InstallAsync();
        await CreateAsync("team-a", "base", failing: null);
        await CreateAsync("team-a", "broken", failing: "team-a/c1");
        await CreateAsync(ReconcilerFixture.HookNamespace, "of-others", failing: null);

        var status = Assert.Single(await _fixture.Registry.Fleet.ReadStatusAsync(null, CancellationToken));

        Assert.Equal((2, 1), (status.Content!.Declared, status.Content.Failing));
    }

    [Fact]
    public async Task Status_NothingDeclared_SaysNothing()
    {
        await _fixture.InstallAsync();

        Assert.Null(Assert.Single(await _fixture.Registry.Fleet.ReadStatusAsync(null, CancellationToken)).Content);
    }

    private async Task CreateAsync(string @namespace, string name, string? failing)
    {
        var collection = AdminClient.Contents(@namespace);
        await _fixture.Objects.CreateAsync(
            collection, TestContent.FromRegistry(name, "registry.example.com", "docker.io/library/busybox:1.36"), CancellationToken);
        if (failing is not null)
            await _fixture.Objects.MergePatchAsync(collection, $"{name}/status", JsonNode.Parse($$"""
                { "status": { "failing": [{ "cluster": "{{failing}}", "reason": "It does not answer." }] } }
                """)!.AsObject(), CancellationToken);
    }
}

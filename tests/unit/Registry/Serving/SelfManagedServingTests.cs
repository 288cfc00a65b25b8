using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Harness.Embedded;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Registry.Serving;
using CapiRegistryHook.Unit.Tests.Certificates;

namespace CapiRegistryHook.Unit.Tests.Registry.Serving;

/// <summary>The authority in its Secret, step by step, with replicas that meet there.</summary>
public sealed class SelfManagedServingTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task RefreshAsync_FirstReplicas_ShareOneAuthority()
    {
        await using var stage = await ServingStage.StartAsync();

        var leaves = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => stage.NewReplica().RefreshAsync(null, Cancelled)));

        var published = await stage.PublishedAsync();
        Assert.Single(published);
        Assert.All(leaves, leaf => Assert.True(stage.Accepts(published, leaf)));
        Assert.Equal(8, leaves.Select(SerialOf).Distinct().Count());
        Assert.Equal(2, stage.Server.Calls.Count(call => call is { Verb: "create", StatusCode: 201, Resource: "secrets" }));
    }

    [Fact]
    public async Task RefreshAsync_NothingToDo_IsTwoReads()
    {
        await using var stage = await ServingStage.StartAsync();
        var replica = stage.NewReplica();
        var leaf = await replica.RefreshAsync(null, Cancelled);
        stage.Server.ClearCalls();

        Assert.Same(leaf, await replica.RefreshAsync(leaf, Cancelled));
        Assert.Equal(["get", "get"], stage.Server.Calls.Select(call => call.Verb));
    }

    [Fact]
    public async Task RefreshAsync_TwoThirdsOver_IsRenewedByTheSameAuthority()
    {
        await using var stage = await ServingStage.StartAsync();
        var replica = stage.NewReplica();
        var leaf = await replica.RefreshAsync(null, Cancelled);
        var published = await stage.PublishedAsync();

        stage.Time.Advance(TimeSpan.FromDays(59));
        Assert.Same(leaf, await replica.RefreshAsync(leaf, Cancelled));
        stage.Time.Advance(TimeSpan.FromDays(1.1));
        var renewed = await replica.RefreshAsync(leaf, Cancelled);

        Assert.NotEqual(SerialOf(leaf), SerialOf(renewed));
        Assert.Equal(published, await stage.PublishedAsync());
        Assert.True(stage.Accepts(published, renewed));
    }

    [Fact]
    public async Task RefreshAsync_HalfOfTheAuthoritysLifeIsOver_ChangesInSteps()
    {
        await using var stage = await ServingStage.StartAsync();
        var replica = stage.NewReplica();
        await replica.RefreshAsync(null, Cancelled);
        var first = await stage.InjectAsync();
        stage.Time.Advance(TimeSpan.FromDays(1826));

        // Published, and signs nothing while Cluster API does not have it.
        var leaf = await replica.RefreshAsync(null, Cancelled);
        Assert.Equal(2, (await stage.PublishedAsync()).Count);
        Assert.Same(leaf, await replica.RefreshAsync(leaf, Cancelled));
        Assert.NotEmpty(await stage.ValueAsync(ServingStage.AuthoritySecret, "next.key"));

        // Signs: whoever has the old one alone, both, or the new one alone accepts it.
        var both = await stage.InjectAsync();
        var switched = await replica.RefreshAsync(leaf, Cancelled);
        var second = both.Where(certificate => !first.Contains(both.Where(other => other == certificate)));
        Assert.NotEqual(SerialOf(leaf), SerialOf(switched));
        Assert.All([first, both, second], trust => Assert.True(stage.Accepts(trust, switched)));
        Assert.All([first, both], trust => Assert.True(stage.Accepts(trust, leaf)));
        Assert.Empty(await stage.ValueAsync(ServingStage.AuthoritySecret, "next.key"));

        // The old one goes when nothing signed by it can be served any more.
        Assert.Equal(both, await PublishedAfterAsync(TimeSpan.Zero));
        Assert.Equal(both, await PublishedAfterAsync(TimeSpan.FromDays(90)));
        Assert.Equal(second, await PublishedAfterAsync(TimeSpan.FromDays(1)));

        async Task<TrustBundle> PublishedAfterAsync(TimeSpan time)
        {
            stage.Time.Advance(time);
            await replica.RefreshAsync(null, Cancelled);
            return await stage.PublishedAsync();
        }
    }

    [Fact]
    public async Task RefreshAsync_AskedForAnotherAuthority_MakesOnePerRequest()
    {
        await using var stage = await ServingStage.StartAsync();
        var replica = stage.NewReplica();
        var leaf = await replica.RefreshAsync(null, Cancelled);

        await stage.AnnotateAsync(ServingStage.AuthoritySecret, "capi-registry-hook.io/rotate-ca", "please");
        await replica.RefreshAsync(leaf, Cancelled);
        await stage.InjectAsync();
        await replica.RefreshAsync(leaf, Cancelled);
        await replica.RefreshAsync(leaf, Cancelled);
        Assert.Equal(2, (await stage.PublishedAsync()).Count);

        await stage.AnnotateAsync(ServingStage.AuthoritySecret, "capi-registry-hook.io/rotate-ca", "and again");
        await replica.RefreshAsync(leaf, Cancelled);
        Assert.Equal(3, (await stage.PublishedAsync()).Count);
    }

    [Fact]
    public async Task RefreshAsync_NobodyToAsk_SwitchesAfterADay()
    {
        await using var stage = await ServingStage.StartAsync(withExtension: false);
        var replica = stage.NewReplica(extension: "");
        var leaf = await replica.RefreshAsync(null, Cancelled);
        await stage.AnnotateAsync(ServingStage.AuthoritySecret, "capi-registry-hook.io/rotate-ca", "1");
        await replica.RefreshAsync(leaf, Cancelled);

        stage.Time.Advance(TimeSpan.FromHours(23));
        Assert.Same(leaf, await replica.RefreshAsync(leaf, Cancelled));
        stage.Time.Advance(TimeSpan.FromHours(1));

        Assert.NotSame(leaf, await replica.RefreshAsync(leaf, Cancelled));
    }

    [Fact]
    public async Task RefreshAsync_NoSuchExtension_WaitsUntilTheAuthorityHasEnded()
    {
        await using var stage = await ServingStage.StartAsync(withExtension: false);
        var replica = stage.NewReplica();
        await replica.RefreshAsync(null, Cancelled);
        stage.Time.Advance(TimeSpan.FromDays(3649));
        await replica.RefreshAsync(null, Cancelled);
        Assert.NotEmpty(await stage.ValueAsync(ServingStage.AuthoritySecret, "next.key"));

        stage.Time.Advance(TimeSpan.FromDays(2));
        var leaf = await replica.RefreshAsync(null, Cancelled);

        Assert.Empty(await stage.ValueAsync(ServingStage.AuthoritySecret, "next.key"));
        Assert.True(stage.Accepts(await stage.PublishedAsync(), leaf));
    }

    [Fact]
    public async Task RefreshAsync_AuthorityIsLost_WhatIsServedStaysUntilClientsKnowTheNewOne()
    {
        await using var stage = await ServingStage.StartAsync();
        var replica = stage.NewReplica();
        var leaf = await replica.RefreshAsync(null, Cancelled);
        var known = await stage.InjectAsync();

        await stage.DeleteAsync(ServingStage.AuthoritySecret);
        Assert.Same(leaf, await replica.RefreshAsync(leaf, Cancelled));
        Assert.Equal(2, (await stage.PublishedAsync()).Count);
        Assert.True(stage.Accepts(known, leaf));

        var both = await stage.InjectAsync();
        var anew = await replica.RefreshAsync(leaf, Cancelled);
        Assert.NotSame(leaf, anew);
        Assert.True(stage.Accepts(both, anew));
    }

    [Fact]
    public async Task RefreshAsync_PublishedIsEditedOrGone_IsMadeRight()
    {
        await using var stage = await ServingStage.StartAsync();
        var replica = stage.NewReplica();
        var leaf = await replica.RefreshAsync(null, Cancelled);
        var published = await stage.PublishedAsync();

        foreach (var text in new[] { "", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", null })
        {
            await stage.SetAsync(ServingStage.PublicSecret, "ca.crt", text);
            await replica.RefreshAsync(leaf, Cancelled);
            Assert.Equal(published, await stage.PublishedAsync());
        }

        await stage.DeleteAsync(ServingStage.PublicSecret);
        await replica.RefreshAsync(leaf, Cancelled);
        Assert.Equal(published, await stage.PublishedAsync());
    }

    [Theory]
    [InlineData("tls.crt", "")]
    [InlineData("tls.crt", "nonsense")]
    [InlineData("tls.key", "nonsense")]
    [InlineData("tls.key", "")]
    public async Task RefreshAsync_AuthorityIsDamaged_SaysSoAndOverwritesNothing(string key, string text)
    {
        await using var stage = await ServingStage.StartAsync();
        var replica = stage.NewReplica();
        await replica.RefreshAsync(null, Cancelled);
        await stage.SetAsync(ServingStage.AuthoritySecret, key, text);
        stage.Server.ClearCalls();

        var exception = await Assert.ThrowsAsync<ServingAuthorityException>(() => replica.RefreshAsync(null, Cancelled));

        Assert.False(exception.IsTransient);
        Assert.DoesNotContain(stage.Server.Calls, call => call.IsWrite);
        Assert.Contains("delete it to have a new one made", exception.Message, StringComparison.Ordinal);
    }

    /// <summary>Rights that were taken away, a Secret that somebody made immutable: certificates go on being renewed meanwhile.</summary>
    [Fact]
    public async Task RefreshAsync_NothingCanBeWritten_IsRenewedAllTheSame()
    {
        await using var stage = await ServingStage.StartAsync();
        var replica = stage.NewReplica();
        var leaf = await replica.RefreshAsync(null, Cancelled);
        var published = await stage.PublishedAsync();
        await stage.AnnotateAsync(ServingStage.AuthoritySecret, "capi-registry-hook.io/rotate-ca", "1");
        stage.Server.InjectFault(call => call.Verb is "patch" or "create" ? Fault.Status(403, "Forbidden") : null);
        Assert.False((await Assert.ThrowsAsync<ServingAuthorityException>(() => replica.RefreshAsync(leaf, Cancelled))).IsTransient);

        stage.Time.Advance(TimeSpan.FromDays(61));
        var renewed = await replica.RefreshAsync(leaf, Cancelled);

        Assert.NotSame(leaf, renewed);
        Assert.True(stage.Accepts(published, renewed));
    }

    /// <summary>Another replica's clock was ahead when it made the authority.</summary>
    [Fact]
    public async Task RefreshAsync_AuthorityBeginsLater_WaitsForIt()
    {
        await using var stage = await ServingStage.StartAsync();
        stage.Time.Advance(TimeSpan.FromMinutes(10));
        await stage.NewReplica().RefreshAsync(null, Cancelled);
        stage.Time.Advance(TimeSpan.FromMinutes(-10));

        var exception = await Assert.ThrowsAsync<ServingAuthorityException>(() => stage.NewReplica().RefreshAsync(null, Cancelled));

        Assert.True(exception.IsTransient);
        Assert.Contains("compare the clocks", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RefreshAsync_ApiServerFails_IsTransient()
    {
        await using var stage = await ServingStage.StartAsync();
        var replica = stage.NewReplica();
        stage.Server.InjectFault(_ => Fault.Status(503, "ServiceUnavailable"));

        Assert.True((await Assert.ThrowsAsync<ServingAuthorityException>(() => replica.RefreshAsync(null, Cancelled))).IsTransient);
    }

    /// <summary>The Secrets of the mode certManager have the same names, so that a change of the mode opens no window.</summary>
    [Fact]
    public async Task RefreshAsync_SecretsOfCertManager_AreTakenOver()
    {
        await using var stage = await ServingStage.StartAsync();
        using var root = CertificateAuthority.CreateRoot(
            new RootRequest(ServingStage.AuthoritySecret, KeyAlgorithm.EcdsaP256, Samples.TenYears), stage.Time);
        using var authority = Samples.Load(root);
        using var served = authority.Issue(new ServerCertificateRequest(
            "hook", ServerNames.Create([ServingStage.Host], []), KeyAlgorithm.EcdsaP256, TimeSpan.FromDays(90)), stage.Time);
        await CreateAsync(stage, ServingStage.AuthoritySecret, root, root.CertificatePem);
        await CreateAsync(stage, ServingStage.PublicSecret, served, root.CertificatePem);
        stage.Server.ClearCalls();

        var leaf = await stage.NewReplica().RefreshAsync(null, Cancelled);

        Assert.True(stage.Accepts(Samples.Bundle(root), leaf));
        Assert.DoesNotContain(stage.Server.Calls, call => call.IsWrite);
    }

    private static Task<JsonObject> CreateAsync(ServingStage stage, string name, CertificateKeyPair pair, string authorityPem) =>
        stage.Objects.CreateAsync(AdminClient.Secrets(ServingStage.Namespace), new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = name },
            ["type"] = "kubernetes.io/tls",
            ["data"] = new JsonObject
            {
                ["tls.crt"] = Convert.ToBase64String(Encoding.ASCII.GetBytes(pair.CertificatePem)),
                ["tls.key"] = Convert.ToBase64String(pair.PrivateKeyPem.Span),
                ["ca.crt"] = Convert.ToBase64String(Encoding.ASCII.GetBytes(authorityPem)),
            },
        }, Cancelled);

    private static string SerialOf(ServingLeaf leaf) => CertificateFacts.Read(Encoding.ASCII.GetBytes(leaf.CertificatePem)).SerialNumber;
}

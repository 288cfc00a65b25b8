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
    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task RefreshAsync_FirstReplicas_ShareOneAuthority()
    {
        await using var fixture = await ServingFixture.StartAsync();

        var leaves = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => fixture.NewReplica().RefreshAsync(null, CancellationToken)));

        var published = await fixture.PublishedAsync();
        Assert.Single(published);
        Assert.All(leaves, leaf => Assert.True(fixture.Accepts(published, leaf)));
        Assert.Equal(8, leaves.Select(SerialOf).Distinct().Count());
        Assert.Equal(2, fixture.Server.Calls.Count(call => call is { Verb: "create", StatusCode: 201, Resource: "secrets" }));
    }

    [Fact]
    public async Task RefreshAsync_NothingToDo_IsTwoReads()
    {
        await using var fixture = await ServingFixture.StartAsync();
        var replica = fixture.NewReplica();
        var leaf = await replica.RefreshAsync(null, CancellationToken);
        fixture.Server.ClearCalls();

        Assert.Same(leaf, await replica.RefreshAsync(leaf, CancellationToken));
        Assert.Equal(["get", "get"], fixture.Server.Calls.Select(call => call.Verb));
    }

    [Fact]
    public async Task RefreshAsync_TwoThirdsOver_IsRenewedByTheSameAuthority()
    {
        await using var fixture = await ServingFixture.StartAsync();
        var replica = fixture.NewReplica();
        var leaf = await replica.RefreshAsync(null, CancellationToken);
        var published = await fixture.PublishedAsync();

        fixture.Time.Advance(TimeSpan.FromDays(59));
        Assert.Same(leaf, await replica.RefreshAsync(leaf, CancellationToken));
        fixture.Time.Advance(TimeSpan.FromDays(1.1));
        var renewed = await replica.RefreshAsync(leaf, CancellationToken);

        Assert.NotEqual(SerialOf(leaf), SerialOf(renewed));
        Assert.Equal(published, await fixture.PublishedAsync());
        Assert.True(fixture.Accepts(published, renewed));
    }

    [Fact]
    public async Task RefreshAsync_HalfOfTheAuthoritysLifeIsOver_ChangesInSteps()
    {
        await using var fixture = await ServingFixture.StartAsync();
        var replica = fixture.NewReplica();
        await replica.RefreshAsync(null, CancellationToken);
        var first = await fixture.InjectAsync();
        fixture.Time.Advance(TimeSpan.FromDays(1826));

        // Published, and signs nothing while Cluster API does not have it.
        var leaf = await replica.RefreshAsync(null, CancellationToken);
        Assert.Equal(2, (await fixture.PublishedAsync()).Count);
        Assert.Same(leaf, await replica.RefreshAsync(leaf, CancellationToken));
        Assert.NotEmpty(await fixture.ValueAsync(ServingFixture.AuthoritySecret, "next.key"));

        // Signs: whoever has the old one alone, both, or the new one alone accepts it.
        var both = await fixture.InjectAsync();
        var switched = await replica.RefreshAsync(leaf, CancellationToken);
        var second = both.Where(certificate => !first.Contains(both.Where(other => other == certificate)));
        Assert.NotEqual(SerialOf(leaf), SerialOf(switched));
        Assert.All([first, both, second], trust => Assert.True(fixture.Accepts(trust, switched)));
        Assert.All([first, both], trust => Assert.True(fixture.Accepts(trust, leaf)));
        Assert.Empty(await fixture.ValueAsync(ServingFixture.AuthoritySecret, "next.key"));

        // The old one goes when nothing signed by it can be served any more.
        Assert.Equal(both, await PublishedAfterAsync(TimeSpan.Zero));
        Assert.Equal(both, await PublishedAfterAsync(TimeSpan.FromDays(90)));
        Assert.Equal(second, await PublishedAfterAsync(TimeSpan.FromDays(1)));

        async Task<TrustBundle> PublishedAfterAsync(TimeSpan time)
        {
            fixture.Time.Advance(time);
            await replica.RefreshAsync(null, CancellationToken);
            return await fixture.PublishedAsync();
        }
    }

    /// <summary>The API server would ignore a webhook whose certificate it does not accept, and nobody would notice.</summary>
    [Fact]
    public async Task RefreshAsync_WebhookDoesNotHaveTheNextAuthority_WaitsForIt()
    {
        const string Webhooks = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
        await using var fixture = await ServingFixture.StartAsync();
        var replica = fixture.NewReplica(webhook: "hook");
        var leaf = await replica.RefreshAsync(null, CancellationToken);
        await fixture.Objects.CreateAsync(Webhooks, new JsonObject
        {
            ["apiVersion"] = "admissionregistration.k8s.io/v1",
            ["kind"] = "MutatingWebhookConfiguration",
            ["metadata"] = new JsonObject { ["name"] = "hook" },
            ["webhooks"] = new JsonArray(new JsonObject { ["name"] = "a.hook.test", ["clientConfig"] = new JsonObject() }),
        }, CancellationToken);
        await fixture.AnnotateAsync(ServingFixture.AuthoritySecret, "capi-registry-hook.io/rotate-ca", "1");
        await replica.RefreshAsync(leaf, CancellationToken);
        await fixture.InjectAsync();
        Assert.Same(leaf, await replica.RefreshAsync(leaf, CancellationToken));

        await fixture.Objects.DeleteIfThereAsync(Webhooks, "hook", CancellationToken);

        Assert.NotSame(leaf, await replica.RefreshAsync(leaf, CancellationToken));
    }

    [Fact]
    public async Task RefreshAsync_AskedForAnotherAuthority_MakesOnePerRequest()
    {
        await using var fixture = await ServingFixture.StartAsync();
        var replica = fixture.NewReplica();
        var leaf = await replica.RefreshAsync(null, CancellationToken);

        await fixture.AnnotateAsync(ServingFixture.AuthoritySecret, "capi-registry-hook.io/rotate-ca", "please");
        await replica.RefreshAsync(leaf, CancellationToken);
        await fixture.InjectAsync();
        await replica.RefreshAsync(leaf, CancellationToken);
        await replica.RefreshAsync(leaf, CancellationToken);
        Assert.Equal(2, (await fixture.PublishedAsync()).Count);

        await fixture.AnnotateAsync(ServingFixture.AuthoritySecret, "capi-registry-hook.io/rotate-ca", "and again");
        await replica.RefreshAsync(leaf, CancellationToken);
        Assert.Equal(3, (await fixture.PublishedAsync()).Count);
    }

    [Fact]
    public async Task RefreshAsync_NobodyToAsk_SwitchesAfterADay()
    {
        await using var fixture = await ServingFixture.StartAsync(withExtension: false);
        var replica = fixture.NewReplica(extension: "");
        var leaf = await replica.RefreshAsync(null, CancellationToken);
        await fixture.AnnotateAsync(ServingFixture.AuthoritySecret, "capi-registry-hook.io/rotate-ca", "1");
        await replica.RefreshAsync(leaf, CancellationToken);

        fixture.Time.Advance(TimeSpan.FromHours(23));
        Assert.Same(leaf, await replica.RefreshAsync(leaf, CancellationToken));
        fixture.Time.Advance(TimeSpan.FromHours(1));

        Assert.NotSame(leaf, await replica.RefreshAsync(leaf, CancellationToken));
    }

    [Fact]
    public async Task RefreshAsync_NoSuchExtension_WaitsUntilTheAuthorityHasEnded()
    {
        await using var fixture = await ServingFixture.StartAsync(withExtension: false);
        var replica = fixture.NewReplica();
        await replica.RefreshAsync(null, CancellationToken);
        fixture.Time.Advance(TimeSpan.FromDays(3649));
        await replica.RefreshAsync(null, CancellationToken);
        Assert.NotEmpty(await fixture.ValueAsync(ServingFixture.AuthoritySecret, "next.key"));

        fixture.Time.Advance(TimeSpan.FromDays(2));
        var leaf = await replica.RefreshAsync(null, CancellationToken);

        Assert.Empty(await fixture.ValueAsync(ServingFixture.AuthoritySecret, "next.key"));
        Assert.True(fixture.Accepts(await fixture.PublishedAsync(), leaf));
    }

    [Fact]
    public async Task RefreshAsync_AuthorityIsLost_WhatIsServedStaysUntilClientsKnowTheNewOne()
    {
        await using var fixture = await ServingFixture.StartAsync();
        var replica = fixture.NewReplica();
        var leaf = await replica.RefreshAsync(null, CancellationToken);
        var known = await fixture.InjectAsync();

        await fixture.DeleteAsync(ServingFixture.AuthoritySecret);
        Assert.Same(leaf, await replica.RefreshAsync(leaf, CancellationToken));
        Assert.Equal(2, (await fixture.PublishedAsync()).Count);
        Assert.True(fixture.Accepts(known, leaf));

        var both = await fixture.InjectAsync();
        var anew = await replica.RefreshAsync(leaf, CancellationToken);
        Assert.NotSame(leaf, anew);
        Assert.True(fixture.Accepts(both, anew));
    }

    [Fact]
    public async Task RefreshAsync_PublishedIsEditedOrGone_IsMadeRight()
    {
        await using var fixture = await ServingFixture.StartAsync();
        var replica = fixture.NewReplica();
        var leaf = await replica.RefreshAsync(null, CancellationToken);
        var published = await fixture.PublishedAsync();

        foreach (var text in new[] { "", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", null })
        {
            await fixture.SetAsync(ServingFixture.PublicSecret, "ca.crt", text);
            await replica.RefreshAsync(leaf, CancellationToken);
            Assert.Equal(published, await fixture.PublishedAsync());
        }

        await fixture.DeleteAsync(ServingFixture.PublicSecret);
        await replica.RefreshAsync(leaf, CancellationToken);
        Assert.Equal(published, await fixture.PublishedAsync());
    }

    [Theory]
    [InlineData("tls.crt", "")]
    [InlineData("tls.crt", "nonsense")]
    [InlineData("tls.key", "nonsense")]
    [InlineData("tls.key", "")]
    public async Task RefreshAsync_AuthorityIsDamaged_SaysSoAndOverwritesNothing(string key, string text)
    {
        await using var fixture = await ServingFixture.StartAsync();
        var replica = fixture.NewReplica();
        await replica.RefreshAsync(null, CancellationToken);
        await fixture.SetAsync(ServingFixture.AuthoritySecret, key, text);
        fixture.Server.ClearCalls();

        var exception = await Assert.ThrowsAsync<ServingAuthorityException>(() => replica.RefreshAsync(null, CancellationToken));

        Assert.False(exception.IsTransient);
        Assert.DoesNotContain(fixture.Server.Calls, call => call.IsWrite);
        Assert.Contains("delete it to create a new authority", exception.Message, StringComparison.Ordinal);
    }

    /// <summary>Rights that were taken away, a Secret that somebody made immutable: certificates go on being renewed meanwhile.</summary>
    [Fact]
    public async Task RefreshAsync_NothingCanBeWritten_IsRenewedAllTheSame()
    {
        await using var fixture = await ServingFixture.StartAsync();
        var replica = fixture.NewReplica();
        var leaf = await replica.RefreshAsync(null, CancellationToken);
        var published = await fixture.PublishedAsync();
        await fixture.AnnotateAsync(ServingFixture.AuthoritySecret, "capi-registry-hook.io/rotate-ca", "1");
        fixture.Server.InjectFault(call => call.Verb is "patch" or "create" ? Fault.Status(403, "Forbidden") : null);
        Assert.False(
            (await Assert.ThrowsAsync<ServingAuthorityException>(() => replica.RefreshAsync(leaf, CancellationToken))).IsTransient);

        fixture.Time.Advance(TimeSpan.FromDays(61));
        var renewed = await replica.RefreshAsync(leaf, CancellationToken);

        Assert.NotSame(leaf, renewed);
        Assert.True(fixture.Accepts(published, renewed));
    }

    /// <summary>Another replica's clock was ahead when it made the authority.</summary>
    [Fact]
    public async Task RefreshAsync_AuthorityBeginsLater_WaitsForIt()
    {
        await using var fixture = await ServingFixture.StartAsync();
        fixture.Time.Advance(TimeSpan.FromMinutes(10));
        await fixture.NewReplica().RefreshAsync(null, CancellationToken);
        fixture.Time.Advance(TimeSpan.FromMinutes(-10));

        var exception =
            await Assert.ThrowsAsync<ServingAuthorityException>(() => fixture.NewReplica().RefreshAsync(null, CancellationToken));

        Assert.True(exception.IsTransient);
        Assert.Contains("compare the clocks", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RefreshAsync_ApiServerFails_IsTransient()
    {
        await using var fixture = await ServingFixture.StartAsync();
        var replica = fixture.NewReplica();
        fixture.Server.InjectFault(_ => Fault.Status(503, "ServiceUnavailable"));

        Assert.True((await Assert.ThrowsAsync<ServingAuthorityException>(() => replica.RefreshAsync(null, CancellationToken))).IsTransient);
    }

    /// <summary>The Secrets of the mode certManager have the same names, so that a change of the mode opens no window.</summary>
    [Fact]
    public async Task RefreshAsync_SecretsOfCertManager_AreTakenOver()
    {
        await using var fixture = await ServingFixture.StartAsync();
        using var root = CertificateAuthority.CreateRoot(
            new RootRequest(ServingFixture.AuthoritySecret, KeyAlgorithm.EcdsaP256, Samples.TenYears), fixture.Time);
        using var authority = Samples.Load(root);
        using var served = authority.Issue(new ServerCertificateRequest(
            "hook", ServerNames.Create([ServingFixture.Host], []), KeyAlgorithm.EcdsaP256, TimeSpan.FromDays(90)), fixture.Time);
        await CreateAsync(fixture, ServingFixture.AuthoritySecret, root, root.CertificatePem);
        await CreateAsync(fixture, ServingFixture.PublicSecret, served, root.CertificatePem);
        fixture.Server.ClearCalls();

        var leaf = await fixture.NewReplica().RefreshAsync(null, CancellationToken);

        Assert.True(fixture.Accepts(Samples.Bundle(root), leaf));
        Assert.DoesNotContain(fixture.Server.Calls, call => call.IsWrite);
    }

    private static Task<JsonObject> CreateAsync(ServingFixture fixture, string name, CertificateKeyPair pair, string authorityPem) =>
        fixture.Objects.CreateAsync(AdminClient.Secrets(ServingFixture.Namespace), new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = name },
            ["type"] = "kubernetes.io/tls",
            ["data"] = new JsonObject
            {
                ["tls.crt"] = Convert.ToBase64String(Encoding.ASCII.GetBytes(pair.CertificatePem)),
                ["tls.key"] = Convert.ToBase64String(pair.PrivateKeyPem.Span),
                ["ca.crt"] = Convert.ToBase64String(Encoding.ASCII.GetBytes(authorityPem)),
            },
        }, CancellationToken);

    private static string SerialOf(IssuedServingCertificate leaf) =>
        CertificateFacts.Read(Encoding.ASCII.GetBytes(leaf.CertificatePem)).SerialNumber;
}

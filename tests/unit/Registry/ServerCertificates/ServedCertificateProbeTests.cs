using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Registry.ServerCertificates;
using CapiRegistryHook.Unit.Tests.Certificates;
using CapiRegistryHook.Unit.Tests.Kubernetes;
using CapiRegistryHook.Unit.Tests.Kubernetes.Forwarding;

namespace CapiRegistryHook.Unit.Tests.Registry.ServerCertificates;

/// <summary>What is found when the pods are looked at: over real TLS, through a server that plays the API server.</summary>
public sealed class ServedCertificateProbeTests
{
    private static readonly ServerCertificateRequest Request = new(
        "registry", ServerNames.Create(["registry.registry-system.svc"], []), KeyAlgorithm.EcdsaP256, Samples.TwoYears);

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task CheckAsync_AllPodsServeIt_IsAllServed()
    {
        using var root = Samples.NewAuthority();
        using var issued = root.Issue(Request, Samples.Clock);
        await using var pods = new ServingPods().Serve("registry-0", issued).Serve("registry-1", issued);

        Assert.Equal(new ServedResult.AllServed(), await CheckAsync(pods, root.TrustBundle, issued.SerialNumber));
    }

    [Fact]
    public async Task CheckAsync_OnePodServesTheFormerOne_Waits()
    {
        using var root = Samples.NewAuthority();
        using var former = root.Issue(Request, Samples.Clock);
        using var issued = root.Issue(Request, Samples.Clock);
        await using var pods = new ServingPods().Serve("registry-0", issued).Serve("registry-1", former);

        Assert.Equal(
            new ServedResult.Waiting("The registry's pod registry-1 still serves another certificate than the one issued last."),
            await CheckAsync(pods, root.TrustBundle, issued.SerialNumber));
    }

    /// <summary>
    /// The add-on provider takes a moment to notice a change, and its condition Ready is of the former release until then.
    /// </summary>
    [Fact]
    public async Task CheckAsync_OnePodIsOfAnEarlierRelease_WaitsAndDoesNotConnect()
    {
        using var root = Samples.NewAuthority();
        using var issued = root.Issue(Request, Samples.Clock);
        await using var pods = new ServingPods()
            .Serve("registry-0", issued).Add("registry-1", NotAsked, revision: "fedcba9876543210");

        Assert.Equal(
            new ServedResult.Waiting("The registry's pod registry-1 still runs an earlier release than the one written last."),
            await CheckAsync(pods, root.TrustBundle, issued.SerialNumber));
    }

    [Fact]
    public async Task CheckAsync_RootIsNotInTheBundle_IsUntrustedWhateverElseWaits()
    {
        using var root = Samples.NewAuthority();
        using var stranger = Samples.NewAuthority();
        using var issued = stranger.Issue(Request, Samples.Clock);
        await using var pods = new ServingPods().Add("registry-0", NotAsked, ready: false).Serve("registry-1", issued);

        AssertUntrusted("registry-1", await CheckAsync(pods, root.TrustBundle, issued.SerialNumber));
    }

    [Fact]
    public async Task CheckAsync_NothingIsTrusted_IsUntrusted()
    {
        using var root = Samples.NewAuthority();
        using var issued = root.Issue(Request, Samples.Clock);
        await using var pods = new ServingPods().Serve("registry-0", issued).Serve("registry-1", issued);

        AssertUntrusted("registry-0", await CheckAsync(pods, TrustBundle.Empty, issued.SerialNumber));
    }

    [Fact]
    public async Task CheckAsync_CertificateHasEnded_IsUntrusted()
    {
        using var root = Samples.NewAuthority();
        using var issued = root.Issue(Request with { Lifetime = TimeSpan.FromDays(1) }, Samples.Clock);
        await using var pods = new ServingPods().Serve("registry-0", issued).Serve("registry-1", issued);

        AssertUntrusted(
            "registry-0", await CheckAsync(pods, root.TrustBundle, issued.SerialNumber, new FixedTime(Samples.Present.AddDays(2))));
    }

    [Fact]
    public async Task CheckAsync_OtherNames_IsUntrusted()
    {
        using var root = Samples.NewAuthority();
        using var issued = root.Issue(Request with { Names = ServerNames.Create(["elsewhere"], []) }, Samples.Clock);
        await using var pods = new ServingPods().Serve("registry-0", issued).Serve("registry-1", issued);

        AssertUntrusted("registry-0", await CheckAsync(pods, root.TrustBundle, issued.SerialNumber));
    }

    [Fact]
    public async Task CheckAsync_PodIsNotReady_WaitsAndDoesNotConnect()
    {
        using var root = Samples.NewAuthority();
        using var issued = root.Issue(Request, Samples.Clock);
        await using var pods = new ServingPods().Serve("registry-0", issued).Add("registry-1", NotAsked, ready: false);

        Assert.Equal(
            new ServedResult.Waiting("The registry's pod registry-1 is not ready."),
            await CheckAsync(pods, root.TrustBundle, issued.SerialNumber));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task CheckAsync_OtherNumberOfPods_Waits(int replicas)
    {
        using var root = Samples.NewAuthority();
        await using var pods = new ServingPods().Add("registry-0", NotAsked).Add("registry-1", NotAsked);
        await using var fixture = await pods.StartAsync();

        Assert.Equal(
            new ServedResult.Waiting($"The registry does not have its {replicas} pods yet."),
            await new ServedCertificateProbe(Samples.Clock).CheckAsync(
                fixture.Client, new ExpectedPods(root.TrustBundle, "1", ServingPods.Revision, replicas), CancellationToken));
    }

    [Fact]
    public async Task CheckAsync_PodTakesNoConnection_Waits()
    {
        using var root = Samples.NewAuthority();
        using var issued = root.Issue(Request, Samples.Clock);
        await using var pods = new ServingPods().Serve("registry-0", issued).Add("registry-1", async context =>
        {
            using var socket = await context.AcceptForwardAsync();
            await socket.SendAsync(NodeSide.Error, "connection refused"u8);
            await context.SilenceAsync();
        });

        AssertUnreachable("registry-1", await CheckAsync(pods, root.TrustBundle, issued.SerialNumber));
    }

    [Theory]
    [InlineData(403)]
    [InlineData(404)]
    [InlineData(502)]
    public async Task CheckAsync_ForwardIsRefused_Waits(int status)
    {
        using var root = Samples.NewAuthority();
        await using var pods = new ServingPods()
            .Add("registry-0", context => context.StatusAsync(status, "No"))
            .Add("registry-1", context => context.StatusAsync(status, "No"));

        AssertUnreachable("registry-0", await CheckAsync(pods, root.TrustBundle, "1"));
    }

    [Fact]
    public async Task CheckAsync_PodSaysNothing_EndsAfterTheLimit()
    {
        using var root = Samples.NewAuthority();
        ManualTime time = new();
        await using var pods = new ServingPods().Add("registry-0", async context =>
        {
            using var socket = await context.AcceptForwardAsync();
            await context.SilenceAsync();
        });
        await using var fixture = await pods.StartAsync();
        var check = new ServedCertificateProbe(time).CheckAsync(
            fixture.Client, new ExpectedPods(root.TrustBundle, "1", ServingPods.Revision, 1), CancellationToken);
        await time.TimerAsync(delay => delay == ServedCertificateProbe.HandshakeLimit);

        time.Advance(ServedCertificateProbe.HandshakeLimit);

        AssertUnreachable("registry-0", await check);
    }

    [Fact]
    public async Task CheckAsync_Cancelled_IsNoAnswer()
    {
        using var root = Samples.NewAuthority();
        using CancellationTokenSource caller = new();
        await using var pods = new ServingPods().Add("registry-0", async context =>
        {
            using var socket = await context.AcceptForwardAsync();
            await caller.CancelAsync();
            await context.SilenceAsync();
        });
        await using var fixture = await pods.StartAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            new ServedCertificateProbe(Samples.Clock).CheckAsync(
                fixture.Client, new ExpectedPods(root.TrustBundle, "1", ServingPods.Revision, 1), caller.Token));
    }

    [Fact]
    public async Task CheckAsync_ApiServerIsGone_Throws()
    {
        using var root = Samples.NewAuthority();
        await using var pods = new ServingPods();
        await using var fixture = await pods.StartAsync();
        await fixture.Server.DisposeAsync();

        var exception = await Assert.ThrowsAsync<KubernetesApiException>(() =>
            new ServedCertificateProbe(Samples.Clock).CheckAsync(
                fixture.Client, new ExpectedPods(root.TrustBundle, "1", ServingPods.Revision, 1), CancellationToken));

        Assert.Equal(KubernetesFault.Unreachable, exception.Fault);
    }

    private static async Task<ServedResult> CheckAsync(ServingPods pods, TrustBundle trust, string serial, TimeProvider? time = null)
    {
        await using var fixture = await pods.StartAsync();
        return await new ServedCertificateProbe(time ?? Samples.Clock).CheckAsync(
            fixture.Client, new ExpectedPods(trust, serial, ServingPods.Revision, 2), CancellationToken);
    }

    private static Task NotAsked(Microsoft.AspNetCore.Http.HttpContext context) =>
        throw new InvalidOperationException("This pod should not be asked.");

    private static void AssertUntrusted(string pod, ServedResult result) => Assert.Equal(
        new ServedResult.Untrusted(
            $"The registry's pod {pod} serves a certificate that this cluster's nodes refuse: it has ended, is for other names, or "
                + "comes from a root that is not in their trust bundle."),
        result);

    private static void AssertUnreachable(string pod, ServedResult result) =>
        Assert.Equal(new ServedResult.Waiting($"The registry's pod {pod} can't be reached through the cluster's API server."), result);
}

using System.Text.Json.Nodes;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests;

/// <summary>
/// Clusters move between two management clusters, each with the published program, by the commands of docs/runbooks/move.md. What
/// clusterctl
/// does is played; Helm's part is to start the service.
/// </summary>
public abstract class MoveScenarios(EnvironmentFixture fixture) : IAsyncLifetime
{
    private const string Root = "registry-addon-root-ca";
    private const string Command = "capi-registry-hook root import";

    private readonly List<string> _printed = [];

    private HookService _sourceService = null!;
    private HookService? _targetService;

    protected DocumentationPage Page { get; } = DocumentationPage.Read("docs/runbooks/move.md");

    protected DocumentationShell Shell { get; } = new();

    protected TestEnvironment Source { get; private set; } = null!;

    protected TestEnvironment Target { get; private set; } = null!;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        Source = await fixture.EmptyAsync(CancellationToken);
        Target = await fixture.StartBesideAsync(Source, CancellationToken);
        _sourceService = await StartAsync(Source);
        Shell.Write("source.kubeconfig", Source.Management.Kubeconfig);
        Shell.Write("target.kubeconfig", Target.Management.Kubeconfig);
        Shell.Write("passphrase", "correct horse battery\n");
        Shell.AddProgram("capi-registry-hook", HookService.ProgramPath());
        Shell.AddProgram("kubectl", await TestTools.PathOfAsync("kubectl"));
        Shell.AddStandIn("helm");
        Shell.AddStandIn("clusterctl");
    }

    public async ValueTask DisposeAsync()
    {
        string[] texts = [_sourceService.Log, _targetService?.Log ?? "", .. _printed];
        foreach (var text in texts.Where(text => text.Length > 0))
        {
            Secrecy.AssertNoSecretIn(text, Source);
            Secrecy.AssertNoSecretIn(text, Target);
            Assert.DoesNotContain("correct horse", text, StringComparison.Ordinal);
        }

        await _sourceService.DisposeAsync();
        if (_targetService is not null)
            await _targetService.DisposeAsync();
        await Target.DisposeAsync();
        await Shell.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task ServiceFirst_ByThePage_GoesOnUnderTheSameRoot()
    {
        var before = await InstallAsync();

        await RunPageAsync("Export the root");
        await RunPageAsync("Service first");

        await AssertGoesOnAsync(before);
        Assert.DoesNotContain(Command, _targetService!.Log, StringComparison.Ordinal);
        await RunPageAsync("Check");
        Assert.Contains("default/c1", _printed[^2], StringComparison.Ordinal);
        Assert.Null(await RootAsync(Source));
    }

    [Fact]
    public async Task ClustersFirst_ByThePage_GoesOnUnderTheSameRoot()
    {
        var before = await InstallAsync();

        await RunPageAsync("Export the root");
        await RunPageAsync("Clusters first");

        await AssertGoesOnAsync(before);
        Assert.DoesNotContain(Command, _targetService!.Log, StringComparison.Ordinal);
        await RunPageAsync("Check");
    }

    [Fact]
    public async Task ServiceFirst_ImportForgotten_RefusesByNameAndThenReplacesTheUnusedRoot()
    {
        _targetService = await StartAsync(Target);
        var brief = await Target.CreateClusterAsync("c9", CancellationToken);
        await UntilTrustedAsync(brief);
        await RemoveAsync(brief);
        var unused = (await RootAsync(Target))!;
        var before = await InstallAsync();
        await RunPageAsync("Export the root");
        await MoveAsync();

        await _targetService.WaitForLogAsync("is not the one that this cluster", CancellationToken);
        await AssertNothingTouchedAsync(before, unused);
        await ImportAsync();

        await AssertGoesOnAsync(before);
        Assert.Contains("which no cluster needs, and now holds", string.Concat(_printed), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ClustersFirst_ImportForgotten_CreatesNoRootForAnyCluster()
    {
        var before = await InstallAsync();
        await RunPageAsync("Export the root");
        await MoveAsync();
        _targetService = await StartAsync(Target);

        await _targetService.WaitForLogAsync("already trust one", CancellationToken);
        var other = await Target.CreateClusterAsync("c2", CancellationToken);
        using (var capi = _targetService.CreateClusterApi())
        {
            var answer = await capi.CallAsync("1.13.4", "BeforeClusterCreate", other, CancellationToken);
            Assert.Equal("Failure", answer.Status);
            Assert.Contains(Command, answer.Message, StringComparison.Ordinal);
        }

        await RemoveAsync(other);
        await AssertNothingTouchedAsync(before, root: null);
        await ImportAsync();
        await AssertGoesOnAsync(before);
    }

    [Fact]
    public async Task Import_TargetHasClustersOfItsOwn_IsRefusedAndNothingIsWritten()
    {
        var before = await InstallAsync();
        await RunPageAsync("Export the root");
        _targetService = await StartAsync(Target);
        await UntilTrustedAsync(await Target.CreateClusterAsync("c9", CancellationToken));
        var root = (await RootAsync(Target))!;

        var run = await Shell.TryAsync(Page.CommandsUnder("Service first")[1], CancellationToken);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("the Secret default/c9-registry-addon-ca makes nodes trust the root", run.Errors, StringComparison.Ordinal);
        Assert.Equal(Version(root), Version((await RootAsync(Target))!));
        Assert.Equal(before.Serial, (await RegistryState.ReadAsync(Source, Cluster, CancellationToken)).Serial);
    }

    [Theory]
    [InlineData("root export -o root.pem --passphrase-file short", "too short", 2)]
    [InlineData("root export -o root.pem --passphrase-file empty", "is empty", 2)]
    [InlineData("root export -o root.pem --passphrase-file nowhere", "can't be read", 2)]
    [InlineData("root export -o root.pem", "there is no terminal", 2)]
    [InlineData("root export -o root.pem --recipient passphrase", "use RSA with 2048 to 8192 bits", 2)]
    [InlineData("root export -o passphrase --passphrase-file passphrase", "--overwrite", 2)]
    [InlineData("root export -o nowhere/root.pem --passphrase-file passphrase", "can't be written", 2)]
    [InlineData("root import -f passphrase --passphrase-file passphrase", "is not a root backup", 2)]
    [InlineData("root import -f nowhere --passphrase-file passphrase", "can't be read", 2)]
    [InlineData("root export -o root.pem --passphrase-file passphrase --root-source External", "made outside", 1)]
    public async Task Command_BadInput_EndsWithASentenceAndNoFile(string arguments, string sentence, int exitCode)
    {
        await InstallAsync();
        Shell.Write("short", "12345678901");
        Shell.Write("empty", "\n");

        var run = await Shell.TryAsync($"capi-registry-hook {arguments} --kubeconfig source.kubeconfig", CancellationToken);

        Assert.Equal(exitCode, run.ExitCode);
        Assert.Contains(sentence, run.Errors, StringComparison.Ordinal);
        Assert.False(File.Exists(Shell["root.pem"]));
        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(Shell["x"])!, "*.tmp"));
        Assert.Equal("correct horse battery\n", await File.ReadAllTextAsync(Shell["passphrase"], CancellationToken));
    }

    [Fact]
    public async Task Export_ForARecipient_IsReadByItsKeyAndByOpenSsl()
    {
        await InstallAsync();
        var key = RegistryState.Text((await RootAsync(Source))!, "tls.key");

        var printed = await Shell.RunAsync(
            """
            openssl req -x509 -newkey rsa:3072 -nodes -subj /CN=admin -keyout admin.key -out admin.crt 2>/dev/null
            capi-registry-hook root export --kubeconfig source.kubeconfig --recipient admin.crt -o root.pem
            capi-registry-hook root import --kubeconfig target.kubeconfig --key admin.key -f root.pem
            openssl cms -decrypt -binary -inform PEM -in root.pem -inkey admin.key -out root.key
            stat -c %a root.pem
            """, CancellationToken);

        Assert.Equal(key, RegistryState.Text((await RootAsync(Target))!, "tls.key"));
        Assert.Equal(key, await File.ReadAllTextAsync(Shell["root.key"], CancellationToken));
        Assert.EndsWith("600\n", printed, StringComparison.Ordinal);
    }

    /// <summary>A pseudo-terminal of util-linux, on which the passphrase is typed twice and not shown.</summary>
    [Fact]
    public async Task Export_OnATerminal_AsksTwiceWithoutAnEcho()
    {
        await InstallAsync();

        var shown = await Shell.RunAsync(
            """
            until_so() { for i in $(seq 600); do "$@" && return; sleep 0.1; done; }
            answer() { until_so grep -qs "$1" shown; sleep 0.5; printf 'correct horse battery\r'; }
            (answer 'Passphrase: '; answer 'Passphrase again: '; until_so test -s root.pem) |
              script -qefc "capi-registry-hook root export --kubeconfig source.kubeconfig -o root.pem" shown >/dev/null
            cat shown
            openssl pkey -in root.pem -passin file:passphrase -out root.key
            """, CancellationToken);

        Assert.Contains("Passphrase again: ", shown, StringComparison.Ordinal);
        Assert.Equal(
            RegistryState.Text((await RootAsync(Source))!, "tls.key"), await File.ReadAllTextAsync(Shell["root.key"], CancellationToken));
    }

    private static TestCluster Cluster => new("c1", "default", "");

    private static Task<HookService> StartAsync(TestEnvironment environment) => HookService.StartAsync(
        environment.Management.Kubeconfig, ["--reconciler", "On", "--lease-duration", "3s"], CancellationToken);

    private protected async Task<RegistryState> InstallAsync()
    {
        await Source.GiveKubeconfigAsync(Cluster, CancellationToken);
        await Source.CreateClusterAsync(Cluster.Name, CancellationToken);
        return await InstalledAsync(Source, _sourceService);
    }

    private static async Task<RegistryState> InstalledAsync(TestEnvironment environment, HookService service)
    {
        RegistryState? state = null;
        await Polling.UntilAsync("the registry is installed", async () =>
        {
            state = await RegistryState.ReadAsync(environment, Cluster, CancellationToken);
            return state is { ChartProxy: not null, Certificate: not null, Trust: not null } && state.ChartSerial == state.Serial
                && Owner(state.ChartProxy) == Uid(state.Cluster) && Owner(state.Trust) == Uid(state.Cluster);
        }, () => service.Log, CancellationToken);
        return state!;
    }

    /// <summary>Runs the commands under a heading, and plays what the programs do that are not here.</summary>
    private async Task RunPageAsync(string heading)
    {
        foreach (var commands in Page.CommandsUnder(heading))
        {
            _printed.Add(await Shell.RunAsync(commands, CancellationToken));
            foreach (var call in Shell.TakeCalls())
                await PlayAsync(call);
        }
    }

    private async Task PlayAsync(string call)
    {
        if (call == "clusterctl move --kubeconfig source.kubeconfig --to-kubeconfig target.kubeconfig --namespace default")
            await MoveAsync();
        else if (call.StartsWith("helm upgrade --install capi-registry-hook ", StringComparison.Ordinal))
            _targetService = await StartAsync(Target);
        else
            Assert.Fail($"Nobody plays '{call}'.");
    }

    private async Task MoveAsync()
    {
        // As the add-on provider holds it; clusterctl removes that before it deletes.
        await Source.ManagementObjects.MergePatchAsync(AdminClient.ChartProxies("default"), "c1-registry", new JsonObject
        {
            ["metadata"] = new JsonObject { ["finalizers"] = new JsonArray("addons.cluster.x-k8s.io/helmchartproxy") },
        }, CancellationToken);
        await new ClusterMove(Source.ManagementObjects, Target.ManagementObjects, "default").RunAsync(CancellationToken);
    }

    private async Task ImportAsync()
    {
        _printed.Add(await Shell.RunAsync(Page.CommandsUnder("Service first")[1], CancellationToken));
        // A change of the Cluster is what ends the pause after a failure; without it that takes up to five minutes.
        await Target.ManagementObjects.MergePatchAsync(AdminClient.Clusters("default"), Cluster.Name, new JsonObject
        {
            ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { ["example.com/touched"] = "1" } },
        }, CancellationToken);
    }

    private async Task AssertNothingTouchedAsync(RegistryState before, JsonObject? root)
    {
        Assert.Contains(Command, _targetService!.Log, StringComparison.Ordinal);
        var after = await RegistryState.ReadAsync(Target, Cluster, CancellationToken);
        Assert.Equal(Version(root), Version(after.Root));
        Assert.Equal(RegistryState.Text(before.Trust!, "ca.crt"), RegistryState.Text(after.Trust!, "ca.crt"));
        Assert.Equal(Version(before.Certificate), Version(after.Certificate));
        Assert.Equal(before.ChartProxy!["spec"]!.ToJsonString(), after.ChartProxy!["spec"]!.ToJsonString());
    }

    /// <summary>The same root, trust and certificate; then a renewal, which the same nodes accept.</summary>
    private async Task AssertGoesOnAsync(RegistryState before)
    {
        var after = await InstalledAsync(Target, _targetService!);
        foreach (var key in new[] { "tls.crt", "tls.key", "ca.crt" })
            Assert.Equal(RegistryState.Text(before.Root!, key), RegistryState.Text(after.Root!, key));
        Assert.Equal(RegistryState.Text(before.Trust!, "ca.crt"), RegistryState.Text(after.Trust!, "ca.crt"));
        Assert.NotEqual(Uid(before.Cluster), Uid(after.Cluster));
        Assert.Equal((Version(before.Certificate), before.Serial), (Version(after.Certificate), after.Serial));

        await Target.ManagementObjects.MergePatchAsync(AdminClient.Clusters("default"), Cluster.Name, new JsonObject
        {
            ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { ["capi-registry-hook.io/renew"] = "after the move" } },
        }, CancellationToken);
        var renewed = after;
        await Polling.UntilAsync("the certificate is renewed", async () =>
        {
            renewed = await InstalledAsync(Target, _targetService!);
            return renewed.Serial != before.Serial;
        }, () => _targetService!.Log, CancellationToken);
        Assert.Equal(Uid(before.Certificate!), Uid(renewed.Certificate!));
        Assert.True((renewed with { Trust = before.Trust }).Verifies("10.128.0.20"));
        Assert.Equal(Version(after.Root), Version(renewed.Root));
    }

    /// <summary>Waits until a cluster of the target trusts the target's own root.</summary>
    private Task UntilTrustedAsync(TestCluster cluster) => Polling.UntilAsync(
        $"{cluster.Name} trusts a root", async () => await Target.ManagementObjects.FindAsync(
            AdminClient.Secrets("default"), $"{cluster.Name}-registry-addon-ca", CancellationToken) is not null,
        () => _targetService!.Log, CancellationToken);

    private static async Task RemoveAsync(TestEnvironment environment, string collection, string name) =>
        await environment.ManagementObjects.DeleteIfThereAsync(collection, name, CancellationToken);

    /// <summary>With what a garbage collector would take; a real API server alone has none.</summary>
    private async Task RemoveAsync(TestCluster cluster)
    {
        await RemoveAsync(Target, AdminClient.Clusters("default"), cluster.Name);
        await RemoveAsync(Target, AdminClient.Secrets("default"), $"{cluster.Name}-registry-addon-ca");
    }

    private static Task<JsonObject?> RootAsync(TestEnvironment environment) =>
        environment.ManagementObjects.FindAsync(AdminClient.Secrets(HookService.Namespace), Root, CancellationToken);

    private static string? Version(JsonObject? item) => (string?)item?["metadata"]!["resourceVersion"];

    private static string? Uid(JsonObject item) => (string?)item["metadata"]!["uid"];

    private static string? Owner(JsonObject item) => (string?)item["metadata"]!["ownerReferences"]?[0]?["uid"];
}

/// <summary>On API servers in this process.</summary>
[Collection(OnEmbeddedServers.Name)]
public sealed class EmbeddedMoveTests(EmbeddedEnvironment environment) : MoveScenarios(environment);

/// <summary>On real kube-apiservers with etcd.</summary>
[Collection(OnApiServers.Name)]
public sealed class RealMoveTests(RealEnvironment environment) : MoveScenarios(environment)
{
    [Fact]
    public async Task Rights_OfThePage_AreEnoughForBothCommands()
    {
        await InstallAsync();
        Shell.Write("rights.yaml", Page.Under("Rights", "yaml")[0]);
        foreach (var side in new[] { "source", "target" })
            await Shell.RunAsync(
                $$"""
                export KUBECONFIG={{side}}.kubeconfig
                namespace={{HookService.Namespace}}
                kubectl apply -f rights.yaml
                kubectl --namespace $namespace create serviceaccount person
                kubectl --namespace $namespace create rolebinding person --role root-backup --serviceaccount $namespace:person
                kubectl create clusterrolebinding person --clusterrole root-backup --serviceaccount $namespace:person
                kubectl config set-credentials person --token "$(kubectl --namespace $namespace create token person)"
                kubectl config set-context --current --user person
                """, TestContext.Current.CancellationToken);

        var printed = await Shell.RunAsync(
            string.Concat(Page.CommandsUnder("Export the root")[0], Page.CommandsUnder("Service first")[1],
                Page.CommandsUnder("Service first")[1]), TestContext.Current.CancellationToken);

        Assert.Contains("was created with root", printed, StringComparison.Ordinal);
        Assert.Contains("already; nothing was written", printed, StringComparison.Ordinal);
    }
}

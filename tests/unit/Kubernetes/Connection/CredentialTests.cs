using System.Text;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Connection;

namespace CapiRegistryHook.Unit.Tests.Kubernetes.Connection;

public sealed class CredentialTests : IDisposable
{
    private const string Token1 = """{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"t1"}}""";

    private readonly string _folder = Directory.CreateTempSubdirectory("credentials-").FullName;
    private readonly ManualTime _time = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string TokenFile => Path.Combine(_folder, "token");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task FileToken_OlderThanAMinute_IsReadAgain()
    {
        await File.WriteAllTextAsync(TokenFile, "first\n", Cancel);
        using FileToken source = new(TokenFile, _time);
        Assert.Equal("first", await source.GetTokenAsync(Cancel));
        await File.WriteAllTextAsync(TokenFile, "second\n", Cancel);
        Assert.Equal("first", await source.GetTokenAsync(Cancel));
        _time.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal("second", await source.GetTokenAsync(Cancel));
    }

    [Fact]
    public async Task FileToken_GoneLater_KeepsTheLastOne()
    {
        await File.WriteAllTextAsync(TokenFile, "first", Cancel);
        using FileToken source = new(TokenFile, _time);
        await source.GetTokenAsync(Cancel);
        File.Delete(TokenFile);
        _time.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal("first", await source.GetTokenAsync(Cancel));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" \n")]
    [InlineData("a b")]
    [InlineData("a\r\nX-Evil: 1")]
    [InlineData("tökén")]
    public async Task FileToken_NoToken_IsRefusedWithoutQuotingIt(string content)
    {
        await File.WriteAllTextAsync(TokenFile, content, Cancel);
        using FileToken source = new(TokenFile, _time);
        var thrown = await Assert.ThrowsAsync<CredentialException>(() => source.GetTokenAsync(Cancel).AsTask());
        Assert.DoesNotContain("Evil", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task GetAsync_TokenRefused_IsReadAgainOnce()
    {
        await File.WriteAllTextAsync(TokenFile, "old", Cancel);
        await using var fixture = await ClientFixture.StartAsync(
            (context, _) => context.Request.Headers.Authorization == "Bearer new"
                ? context.JsonAsync(Answers.SecretJson) : context.StatusAsync(401, "Unauthorized"),
            change: c => c with { Credentials = new FileToken(TokenFile, _time) });
        Assert.Equal(KubernetesFault.Unauthorized, (await Assert.ThrowsAsync<KubernetesApiException>(fixture.GetAsync)).Fault);
        Assert.Equal(2, fixture.Server.Requests.Count);
        await File.WriteAllTextAsync(TokenFile, "new", Cancel);
        await fixture.GetAsync();
        await fixture.GetAsync();
        Assert.Equal(["Bearer new", "Bearer new"], fixture.Server.Requests.TakeLast(2).Select(request => request.Authorization));
    }

    [Fact]
    public async Task GetAsync_StaticTokenRefused_IsNotRepeated()
    {
        await using var fixture = await ClientFixture.StartAsync(
            (context, _) => context.StatusAsync(401, "Unauthorized"), change: c => c with { Credentials = new StaticToken("very-secret") });
        var failure = await Assert.ThrowsAsync<KubernetesApiException>(fixture.GetAsync);
        Assert.Equal("Bearer very-secret", Assert.Single(fixture.Server.Requests).Authorization);
        Assert.DoesNotContain("very-secret", failure.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task GetAsync_NoCredentialToBeHad_IsUnauthorized()
    {
        await using var fixture = await ClientFixture.StartAsync(
            (context, _) => context.JsonAsync(Answers.SecretJson), change: c => c with { Credentials = new FileToken(TokenFile, _time) });
        var failure = await Assert.ThrowsAsync<KubernetesApiException>(fixture.GetAsync);
        Assert.Equal((KubernetesFault.Unauthorized, (int?)null), (failure.Fault, failure.StatusCode));
        Assert.Empty(fixture.Server.Requests);
    }

    [Fact]
    public async Task ExecCredentials_Plugin_GetsArgumentsVariablesAndInfo()
    {
        const string Script =
            "printf '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"%s-%s-%s\"}}' \"$1\" \"$EXTRA\" \"${#KUBERNETES_EXEC_INFO}\"";
        using ExecCredentials source = new(
            Plugin(Script, "argument") with { Environment = [KeyValuePair.Create("EXTRA", "variable")], ExecInfo = "{12}" }, _time);
        Assert.Equal("argument-variable-4", await source.GetTokenAsync(Cancel));
    }

    [Fact]
    public async Task ExecCredentials_ExpiringToken_IsKeptUntilAMinuteBeforeItsEnd()
    {
        var expiry = _time.GetUtcNow().AddMinutes(10).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'");
        var runs = Path.Combine(_folder, "runs");
        var answer = Token1.Replace("\"t1\"", $"\"t1\",\"expirationTimestamp\":\"{expiry}\"", StringComparison.Ordinal);
        using ExecCredentials source = new(Plugin($"echo x >> '{runs}'; echo '{answer}'"), _time);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => source.GetTokenAsync(Cancel).AsTask()));
        Assert.Single(await File.ReadAllLinesAsync(runs, Cancel));
        _time.Advance(TimeSpan.FromMinutes(8.9));
        await source.GetTokenAsync(Cancel);
        Assert.Single(await File.ReadAllLinesAsync(runs, Cancel));
        _time.Advance(TimeSpan.FromMinutes(0.2));
        await source.GetTokenAsync(Cancel);
        Assert.Equal(2, (await File.ReadAllLinesAsync(runs, Cancel)).Length);
    }

    [Fact]
    public async Task ExecCredentials_Refused_RunsAgain()
    {
        var runs = Path.Combine(_folder, "runs");
        using ExecCredentials source = new(Plugin($"echo x >> '{runs}'; echo '{Token1}'"), _time);
        Assert.True(source.Refuse(await source.GetTokenAsync(Cancel)));
        Assert.True(source.Refuse("another"));
        await source.GetTokenAsync(Cancel);
        Assert.Equal(2, (await File.ReadAllLinesAsync(runs, Cancel)).Length);
    }

    [Theory]
    [InlineData("echo leak-me >&2; exit 3", "exit code 3")]
    [InlineData("echo leak-me", "no ExecCredential")]
    [InlineData("echo '{}'", "no ExecCredential")]
    [InlineData("echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1beta1\",\"status\":{\"token\":\"leak-me\"}}'", "another version")]
    [InlineData("echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{}}'", "no usable token")]
    [InlineData("echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{\"clientCertificateData\":\"leak-me\"}}'", "client certificate")]
    [InlineData("while :; do echo leak-me-leak-me-leak-me-leak-me-leak-me-leak-me-leak-me-leak-me; done", "more than 1024 KiB")]
    public async Task ExecCredentials_PluginMisbehaves_SaysSoWithoutItsOutput(string script, string expected)
    {
        using ExecCredentials source = new(Plugin(script), _time);
        var thrown = await Assert.ThrowsAsync<CredentialException>(() => source.GetTokenAsync(Cancel).AsTask());
        Assert.Contains(expected, thrown.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("leak-me", thrown.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ExecCredentials_PluginHangs_IsStopped()
    {
        var pid = Path.Combine(_folder, "pid");
        using ExecCredentials source = new(Plugin($"echo $$ > '{pid}'; sleep 600"), _time);
        var call = source.GetTokenAsync(Cancel).AsTask();
        await _time.TimerAsync(delay => delay == TimeSpan.FromSeconds(10));
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Contains("within 10 s", (await Assert.ThrowsAsync<CredentialException>(() => call)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ExecCredentials_CallerGivesUp_PluginServesTheNextOne()
    {
        var runs = Path.Combine(_folder, "runs");
        var gate = Path.Combine(_folder, "gate");
        using ExecCredentials source = new(
            Plugin($"echo x >> '{runs}'; while [ ! -e '{gate}' ]; do sleep 0.05; done; echo '{Token1}'"), _time);
        using CancellationTokenSource impatient = new();
        var first = source.GetTokenAsync(impatient.Token).AsTask();
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        var second = source.GetTokenAsync(Cancel).AsTask();
        await File.WriteAllTextAsync(gate, "", Cancel);
        Assert.Equal("t1", await second);
        Assert.Single(await File.ReadAllLinesAsync(runs, Cancel));
    }

    [Fact]
    public async Task ExecCredentials_PluginMissing_SaysSo()
    {
        using ExecCredentials source = new(Plugin("") with { Command = Path.Combine(_folder, "missing") }, _time);
        Assert.Contains("can't be started",
            (await Assert.ThrowsAsync<CredentialException>(() => source.GetTokenAsync(Cancel).AsTask())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_Utf8Garbage_IsNoCredential() =>
        Assert.Throws<CredentialException>(() => ExecRun.Parse(Plugin(""), Encoding.Latin1.GetBytes("{\"kind\":\"\u00ff\"")));

    private static ExecPlugin Plugin(string script, params string[] arguments) =>
        new(ExecPlugin.V1, "/bin/sh", ["-c", script, "plugin", .. arguments], [], "{}");
}

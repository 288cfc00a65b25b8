using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using CapiRegistryHook.Hooks.Operations;
using CapiRegistryHook.Hooks.Serving;
using CapiRegistryHook.Unit.Tests.Kubernetes;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;

namespace CapiRegistryHook.Unit.Tests.Hooks;

/// <summary>Who is let through to which path, and when a connection is judged anew.</summary>
public sealed class ClientGateTests : IDisposable
{
    private const string Hook = "/hooks.runtime.cluster.x-k8s.io/v1alpha1/discovery";
    private readonly ManualTime _time = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("gate-").FullName;
    private readonly List<IDisposable> _owned = [];
    private readonly X509Certificate2 _root;
    private readonly ClientAuthority _authority;
    private readonly ListenOptions _options;

    public ClientGateTests()
    {
        _root = Own(Root("first"));
        _options = new ListenOptions
        {
            CertificateFile = "",
            KeyFile = "",
            ClientCaFile = Path.Combine(_folder, "ca.crt"),
            ClientNames = new HashSet<string> { "capi-manager", "spiffe://example.org/capi" },
        };
        Trust(_root);
        _authority = new ClientAuthority(_options);
        _authority.Load();
    }

    public void Dispose()
    {
        _owned.ForEach(owned => owned.Dispose());
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData("/v2/charts/registry/tags/list")]
    [InlineData("/healthz")]
    [InlineData("/readyz")]
    [InlineData("/admission/auto-enable")]
    public async Task Judge_OpenPath_LetsEverybodyThrough(string path) => Assert.Equal(200, await JudgeAsync(null, path));

    [Theory]
    [InlineData(Hook)]
    [InlineData("/")]
    [InlineData("/v2x")]
    [InlineData("/admission")]
    [InlineData("/admission/other")]
    [InlineData("/V2/")]
    [InlineData("/metrics")]
    public async Task Judge_AnyOtherPathWithoutACertificate_IsForbidden(string path) => Assert.Equal(403, await JudgeAsync(null, path));

    [Theory]
    [InlineData("capi-manager", "", 200)]
    [InlineData("somebody", "spiffe://example.org/capi", 200)]
    [InlineData("somebody", "spiffe://example.org/other", 403)]
    [InlineData("CAPI-manager", "", 403)]
    [InlineData("capi-manager.example.org", "", 403)]
    public async Task Judge_Name_MustBeOnTheListExactly(string commonName, string uri, int status) =>
        Assert.Equal(status, await JudgeAsync(Issue(_root, commonName, uri)));

    [Fact]
    public async Task Judge_NoNamesListed_LetsEveryVerifiedCallerThrough()
    {
        var gate = Gate(_options with { ClientNames = new HashSet<string>() });
        Assert.Equal(200, await JudgeAsync(Issue(_root, "somebody"), gate: gate));
    }

    [Fact]
    public async Task Judge_CertificateExpiresWhileConnected_IsForbiddenFromThenOn()
    {
        var connection = new ClientConnection(_authority.Current);
        var certificate = Issue(_root, "capi-manager");
        Assert.Equal(200, await JudgeAsync(certificate, connection: connection));
        _time.Advance(TimeSpan.FromDays(3));
        Assert.Equal(403, await JudgeAsync(certificate, connection: connection));
    }

    [Fact]
    public async Task Judge_AuthorityReplaced_JudgesOpenConnectionsAnew()
    {
        var connection = new ClientConnection(_authority.Current);
        var second = Own(Root("second"));
        var former = Issue(_root, "capi-manager");
        Trust(_root, second);
        Assert.NotNull(await _authority.ReloadAsync(TestContext.Current.CancellationToken));
        Assert.Equal(200, await JudgeAsync(former, connection: connection));
        Assert.Same(_authority.Current, connection.VerifiedBy);

        Trust(second);
        Assert.NotNull(await _authority.ReloadAsync(TestContext.Current.CancellationToken));
        Assert.Equal(403, await JudgeAsync(former, connection: connection));
        Assert.Equal(200, await JudgeAsync(Issue(second, "capi-manager")));
    }

    /// <summary>Without a handshake that verified it, a certificate proves nothing.</summary>
    [Fact]
    public async Task Judge_ConnectionThatNoHandshakeLeftItsMarkOn_IsForbidden()
    {
        var http = Request(Issue(_root, "capi-manager"), Hook);
        await Gate(_options).JudgeAsync(http, _ => throw new InvalidOperationException());
        Assert.Equal(403, http.Response.StatusCode);
    }

    [Fact]
    public async Task Reload_FileThatHoldsNoCertificate_KeepsTheFormerOne()
    {
        var former = _authority.Current;
        await File.WriteAllTextAsync(_options.ClientCaFile!, "nonsense", TestContext.Current.CancellationToken);
        await Assert.ThrowsAsync<ClientAuthorityException>(() => _authority.ReloadAsync(TestContext.Current.CancellationToken));
        Assert.Same(former, _authority.Current);
    }

    private async Task<int> JudgeAsync(
        X509Certificate2? certificate, string path = Hook, ClientConnection? connection = null, ClientGate? gate = null)
    {
        var http = Request(certificate, path);
        http.Features.Set(connection ?? new ClientConnection(_authority.Current));
        await (gate ?? Gate(_options)).JudgeAsync(http, passed =>
        {
            passed.Response.StatusCode = 200;
            return Task.CompletedTask;
        });
        return http.Response.StatusCode;
    }

    private static DefaultHttpContext Request(X509Certificate2? certificate, string path)
    {
        var http = new DefaultHttpContext();
        http.Request.Path = path;
        http.Response.StatusCode = 599;
        http.Connection.ClientCertificate = certificate;
        return http;
    }

    private ClientGate Gate(ListenOptions options) =>
        new(_authority, options, new RefusedCallers(), _time, NullLogger<ClientGate>.Instance);

    private void Trust(params X509Certificate2[] roots) => File.WriteAllText(
        _options.ClientCaFile!, string.Concat(roots.Select(root => root.ExportCertificatePem() + "\n")));

    private X509Certificate2 Root(string name)
    {
        var key = Own(ECDsa.Create(ECCurve.NamedCurves.nistP256));
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(X509BasicConstraintsExtension.CreateForCertificateAuthority());
        return request.CreateSelfSigned(_time.GetUtcNow().AddDays(-1), _time.GetUtcNow().AddDays(30));
    }

    private X509Certificate2 Issue(X509Certificate2 issuer, string commonName, string uri = "")
    {
        var key = Own(ECDsa.Create(ECCurve.NamedCurves.nistP256));
        var request = new CertificateRequest($"CN={commonName}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.2")], critical: false));
        if (uri.Length > 0)
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddUri(new Uri(uri));
            request.CertificateExtensions.Add(names.Build());
        }

        return Own(request.Create(
            issuer, _time.GetUtcNow().AddHours(-1), _time.GetUtcNow().AddDays(2), RandomNumberGenerator.GetBytes(8)));
    }

    private T Own<T>(T value)
        where T : IDisposable
    {
        _owned.Add(value);
        return value;
    }
}

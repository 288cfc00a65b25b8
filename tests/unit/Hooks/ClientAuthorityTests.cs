using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using CapiRegistryHook.Hooks.Serving;

namespace CapiRegistryHook.Unit.Tests.Hooks;

/// <summary>The file with the CAs of callers: what is taken from it, and what leaves the former CAs in force.</summary>
public sealed class ClientAuthorityTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("client-ca-").FullName;
    private readonly string _file;
    private readonly ClientAuthority _authority;

    public ClientAuthorityTests()
    {
        _file = Path.Combine(_folder, "ca.crt");
        _authority = new ClientAuthority(new ListenOptions { CertificateFile = "", KeyFile = "", ClientCaFile = _file });
    }

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Load_NoFileNamed_RequiresNothing()
    {
        var open = new ClientAuthority(new ListenOptions { CertificateFile = "", KeyFile = "" });
        open.Load();

        Assert.False(open.IsRequired);
        Assert.Null(await open.ReloadAsync(CancellationToken));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("not PEM")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")]
    public void Load_NothingUsable_NamesTheFile(string? content)
    {
        if (content is not null)
            File.WriteAllText(_file, content);

        Assert.Contains(_file, Assert.Throws<ClientAuthorityException>(_authority.Load).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_MoreThanOneMebibyte_IsNotRead()
    {
        File.WriteAllText(_file, NewRoot("a") + new string('\n', 1024 * 1024));

        Assert.Throws<ClientAuthorityException>(_authority.Load);
    }

    [Fact]
    public async Task Reload_OtherCertificates_AreInForceAndTold()
    {
        await File.WriteAllTextAsync(_file, NewRoot("a"), CancellationToken);
        _authority.Load();
        var former = _authority.Current;
        Assert.Null(await _authority.ReloadAsync(CancellationToken));
        Assert.Same(former, _authority.Current);

        await File.WriteAllTextAsync(_file, NewRoot("a") + NewRoot("b"), CancellationToken);

        Assert.EndsWith("number of certificates: 2", await _authority.ReloadAsync(CancellationToken), StringComparison.Ordinal);
        Assert.NotEqual(former.Fingerprint, _authority.Current.Fingerprint);
    }

    [Fact]
    public async Task Reload_FileBreaks_KeepsTheFormerCas()
    {
        await File.WriteAllTextAsync(_file, NewRoot("a"), CancellationToken);
        _authority.Load();
        var former = _authority.Current;
        await File.WriteAllTextAsync(_file, "half a fi", CancellationToken);

        await Assert.ThrowsAsync<ClientAuthorityException>(async () => await _authority.ReloadAsync(CancellationToken));

        Assert.Same(former, _authority.Current);
    }

    private static string NewRoot(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now, now.AddDays(1));
        return certificate.ExportCertificatePem() + "\n";
    }
}

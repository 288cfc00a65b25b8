using System.Globalization;
using System.Net;
using CapiRegistryHook.Certificates;

namespace CapiRegistryHook.Unit.Tests.Certificates;

/// <summary>
/// Authorities that load and sign, but whose certificates no client would accept. The openssl command is the judge: it issues and
/// verifies a certificate with the same names, and whatever it rejects must not be issued here.
/// </summary>
public sealed class ConstrainedAuthorityTests : IDisposable
{
    private const string Name = "registry.registry-system.svc";
    private const string Address = "10.96.0.20";
    private readonly OpenSsl _openSsl = new();

    public void Dispose() => _openSsl.Dispose();

    [Theory]
    [InlineData("", null)]
    [InlineData("nameConstraints=critical,permitted;DNS:example.com", CertificateFault.RejectedByClients)]
    [InlineData("nameConstraints=permitted;DNS:example.com", CertificateFault.RejectedByClients)]
    [InlineData("nameConstraints=critical,excluded;DNS:svc", CertificateFault.RejectedByClients)]
    [InlineData("nameConstraints=critical,permitted;IP:192.0.2.0/255.255.255.0", CertificateFault.RejectedByClients)]
    [InlineData("nameConstraints=critical,excluded;IP:10.0.0.0/255.0.0.0", CertificateFault.RejectedByClients)]
    [InlineData("nameConstraints=critical,excluded;DNS:example.com", null)]
    [InlineData("nameConstraints=critical,permitted;DNS:svc,permitted;IP:10.0.0.0/255.0.0.0", null)]
    [InlineData("1.2.3.4.5.6=critical,ASN1:NULL", CertificateFault.UnsupportedExtension)]
    [InlineData("1.2.3.4.5.6=ASN1:NULL", null)]
    [InlineData("certificatePolicies=critical,1.2.3.4", null)]
    public void Issue_RootWithAnExtension_AgreesWithOpenSsl(string extension, CertificateFault? fault)
    {
        MakeRoot(extension);
        Assert.Equal(fault is null, OpenSslAccepts());
        AssertIssues(fault, "root.pem", "root.key", "");
    }

    [Theory]
    [InlineData("nameConstraints=critical,permitted;DNS:example.com", CertificateFault.RejectedByClients)]
    [InlineData("1.2.3.4.5.6=critical,ASN1:NULL", CertificateFault.UnsupportedExtension)]
    public void Issue_IntermediateUnderSuchARoot_IsRefusedToo(string extension, CertificateFault fault)
    {
        MakeRoot(extension);
        MakeKey("lower");
        _openSsl.Write("lower.cnf", "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n");
        Sign("lower", "root", "lower.cnf");
        AssertIssues(fault, "lower.pem", "lower.key", "root.pem");
    }

    /// <summary>OpenSSL knows constraints of directory names. Go does not, and containerd is written in Go.</summary>
    [Fact]
    public void Load_ConstraintsOfAKindThatGoDoesNotProcess_AreRefused()
    {
        MakeRoot("nameConstraints=critical,excluded;dirName:excluded", "[excluded]\nCN=somebody\n");
        Assert.True(OpenSslAccepts());
        AssertIssues(CertificateFault.UnsupportedExtension, "root.pem", "root.key", "");
    }

    /// <summary>Known before the first node is created with such a root.</summary>
    [Fact]
    public void ConstrainsNames_IsTrueForThePathAsAWhole()
    {
        MakeRoot("nameConstraints=excluded;DNS:example.com");
        using var authority = Load("root.pem", "root.key", "");
        Assert.True(authority.ConstrainsNames);
        MakeRoot("");
        using var free = Load("root.pem", "root.key", "");
        Assert.False(free.ConstrainsNames);
    }

    private void AssertIssues(CertificateFault? fault, string certificate, string key, string trust)
    {
        var names = ServerNames.Create([Name], [IPAddress.Parse(Address)]);
        var request = new ServerCertificateRequest("registry", names, KeyAlgorithm.EcdsaP256, TimeSpan.FromDays(1));
        if (fault is { } expected)
            Assert.Equal(expected, Samples.FaultOf(() => Issue()));
        else
            Issue();

        void Issue()
        {
            using var authority = Load(certificate, key, trust);
            authority.Issue(request, new FixedTime(Start())).Dispose();
        }
    }

    private bool OpenSslAccepts()
    {
        MakeKey("leaf");
        _openSsl.Write("leaf.cnf", $"subjectAltName=DNS:{Name},IP:{Address}\nextendedKeyUsage=serverAuth\n");
        Sign("leaf", "root", "leaf.cnf");
        return Verify($"-verify_hostname {Name}") && Verify($"-verify_ip {Address}");
    }

    private bool Verify(string name)
    {
        var at = Start().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        return _openSsl.TryRun($"verify -no-CApath -no-CAstore -CAfile root.pem -purpose sslserver {name} -attime {at} leaf.pem")
            .ExitCode == 0;
    }

    private DateTimeOffset Start() => CertificateFacts.Read(_openSsl.Read("root.pem")).NotBefore + TimeSpan.FromHours(1);

    private void MakeRoot(string extension, string sections = "")
    {
        MakeKey("root");
        _openSsl.Write("root.cnf", $"""
            [req]
            distinguished_name=dn
            x509_extensions=ca
            [dn]
            [ca]
            basicConstraints=critical,CA:TRUE
            keyUsage=critical,keyCertSign
            subjectKeyIdentifier=hash
            {extension}
            {sections}
            """);
        _openSsl.Run("req -x509 -new -config root.cnf -key root.key -subj /CN=root -days 3650 -out root.pem");
    }

    private void Sign(string name, string issuer, string extensions)
    {
        _openSsl.Run($"req -new -config root.cnf -key {name}.key -subj /CN={name} -out {name}.csr");
        _openSsl.Run(
            $"x509 -req -in {name}.csr -CA {issuer}.pem -CAkey {issuer}.key -CAcreateserial -days 3000 -extfile {extensions} -out "
                + $"{name}.pem");
    }

    private void MakeKey(string name) => _openSsl.Run($"genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {name}.key");

    private CertificateAuthority Load(string certificate, string key, string trust) =>
        CertificateAuthority.Load(
            _openSsl.Read(certificate), _openSsl.Read(key), trust.Length == 0 ? default : _openSsl.Read(trust).AsSpan());
}

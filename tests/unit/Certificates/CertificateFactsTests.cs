using CapiRegistryHook.Certificates;

namespace CapiRegistryHook.Unit.Tests.Certificates;

public sealed class CertificateFactsTests
{
    [Fact]
    public void Read_ServerCertificate_SaysWhatWasIssued()
    {
        using var authority = Samples.NewAuthority();
        using var pair = authority.Issue(Samples.Server(), Samples.Clock);
        Assert.Equal(
            new CertificateFacts(pair.SerialNumber, "CN=registry", "CN=registry-addon", pair.NotBefore, pair.NotAfter, Samples.Names),
            CertificateFacts.Read(Samples.Bytes(pair.CertificatePem + authority.TrustBundle.ToPem())));
    }

    [Fact]
    public void Read_Root_HasNoNames()
    {
        using var root = Samples.NewRoot();
        var facts = CertificateFacts.Read(Samples.Bytes(root.CertificatePem));
        Assert.Equal(ServerNames.None, facts.Names);
        Assert.Equal((facts.Subject, root.SerialNumber), (facts.Issuer, facts.SerialNumber));
    }

    [Theory]
    [InlineData("0x00", "00")]
    [InlineData("0x7f", "7f")]
    [InlineData("0x80", "80")]
    [InlineData("0xff01", "ff01")]
    public void Read_SerialNumber_IsAsOpenSslPrintsIt(string serial, string expected)
    {
        using var openSsl = new OpenSsl();
        openSsl.Write("empty.cnf", "[req]\ndistinguished_name=dn\n[dn]\n");
        openSsl.Run("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out a.key");
        openSsl.Run(
            $"req -x509 -new -config empty.cnf -key a.key -subj /CN=a -set_serial {serial} -out a.pem -addext "
                + "subjectAltName=DNS:UPPER_case.,IP:::ffff:1.2.3.4,URI:http://a");
        var facts = CertificateFacts.Read(openSsl.Read("a.pem"));
        Assert.Equal(expected, facts.SerialNumber);
        Assert.Equal($"serial={expected.ToUpperInvariant()}\n", openSsl.Run("x509 -in a.pem -noout -serial"));
        Assert.Equal("upper_case., 1.2.3.4", facts.Names.ToString());
    }
}

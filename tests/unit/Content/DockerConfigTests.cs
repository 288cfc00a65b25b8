using System.Text;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Harness;

namespace CapiRegistryHook.Unit.Tests.Content;

public sealed class DockerConfigTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("""{"auths":{"r.test:5000":{"auth":"dTpwOnE="}}}""", "r.test:5000", "u", "p:q", null)]
    [InlineData("""{"auths":{"https://r.test":{"auth":"dTpwOnE="}}}""", "r.test", "u", "p:q", null)]
    [InlineData("""{"auths":{"https://index.docker.io/v1/":{"username":"u","password":"p"}}}""", "docker.io", "u", "p", null)]
    [InlineData("""{"auths":{"r.test":{"auth":"","identitytoken":"t"}}}""", "r.test", "", "", "t")]
    public async Task Find_Entries_AreTheLogin(string json, string registry, string user, string password, string? token) =>
        Assert.Equal(new Login(user, password, token), await FindAsync(json, registry));

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"auths":{"other.test":{"auth":"dTpw"}}}""")]
    [InlineData("""{"auths":{"r.test":{}}}""")]
    [InlineData("""{"auths":{"sub.r.test":{"auth":"dTpw"},"test":{"auth":"dTpw"}}}""")]
    public async Task Find_NoEntryOfThisHost_IsNone(string json) => Assert.Null(await FindAsync(json, "r.test"));

    [Theory]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("""{"auths":{"r.test":{"auth":"secretsecret!"}}}""")]
    [InlineData("""{"auths":{"r.test":{"auth":["secretsecret"]}}}""")]
    public async Task Find_Malformed_IsRefusedWithoutItsContent(string json)
    {
        var exception = await Assert.ThrowsAsync<ContentException>(() => FindAsync(json, "r.test"));
        Assert.DoesNotContain("secret", exception.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../../bin/sh")]
    [InlineData("a b")]
    [InlineData("x;y")]
    public async Task Find_HelperThatIsNotAName_IsNotRun(string helper)
    {
        var exception =
            await Assert.ThrowsAsync<ContentException>(() => FindAsync($$$"""{"credHelpers":{"r.test":"{{{helper}}}"}}""", "r.test"));
        Assert.Contains("not the name", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Find_HelperThatIsMissing_IsNamed()
    {
        var exception = await Assert.ThrowsAsync<ContentException>(() => FindAsync("""{"credsStore":"no-such-helper"}""", "r.test"));
        Assert.Contains("docker-credential-no-such-helper", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    [System.Diagnostics.CodeAnalysis.SuppressMessage("Interoperability", "CA1416", Justification = "Credential helpers are tested where "
        + "the product runs.")]
    public async Task Ask_Helper_IsGivenTheRegistryAndGivesTheLogin()
    {
        await using var folder = ScratchFolder.Create("capi-registry-hook-helper-");
        var path = folder.Write("docker-credential-capi-test",
            "#!/bin/sh\nread -r host\nprintf '{\"Username\":\"user-of-%s\",\"Secret\":\"s\"}' \"$host\"\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var before = Environment.GetEnvironmentVariable("PATH");
        Environment.SetEnvironmentVariable("PATH", $"{before}:{folder.Path}");
        try
        {
            Assert.Equal(new Login("user-of-r.test", "s"), await FindAsync("""{"credHelpers":{"r.test":"capi-test"}}""", "r.test"));
        }
        finally
        {
            Environment.SetEnvironmentVariable("PATH", before);
        }
    }

    [Fact]
    public void ToString_Login_HasNoSecret() => Assert.Equal("(a login)", new Login("u", "p").ToString());

    private static Task<Login?> FindAsync(string json, string registry) =>
        DockerConfig.Parse(Encoding.UTF8.GetBytes(json), "config.json", TimeProvider.System).FindAsync(registry, Cancelled);
}

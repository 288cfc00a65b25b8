using System.Text;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Delivery.Declared;
using CapiRegistryHook.Delivery.Targets;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Unit.Tests.Delivery.Declared;

/// <summary>A tenant names the Secret and where its login is sent.</summary>
public sealed class SourceLoginTests
{
    private const string Host = "registry.example.com";

    [Theory]
    [InlineData("kubernetes.io/dockerconfigjson")]
    [InlineData("Opaque")]
    public void LoginOf_PullSecretForTheHost_IsThatLogin(string type) => Assert.Equal(new Login("u", "p"),
        LoginOf(type, (".dockerconfigjson", """{"auths":{"registry.example.com":{"username":"u","password":"p"}}}""")));

    [Fact]
    public void LoginOf_NothingButALogin_IsThatLogin() =>
        Assert.Equal(new Login("u", "p"), LoginOf("kubernetes.io/basic-auth", ("username", "u"), ("password", "p")));

    /// <summary>Infrastructure providers keep the login of a whole data center like this.</summary>
    [Theory]
    [InlineData("Opaque")]
    [InlineData("kubernetes.io/tls")]
    [InlineData(null)]
    public void LoginOf_AnyOtherSecret_IsNotSent(string? type)
    {
        var refusal = Assert.Throws<DeliveryException>(() => LoginOf(type, ("username", "u"), ("password", "secret")));

        Assert.Equal("The Secret login can't be used, because its type is neither kubernetes.io/dockerconfigjson nor "
            + "kubernetes.io/basic-auth.", refusal.Message);
    }

    [Theory]
    [InlineData(".dockerconfigjson", """{"auths":{"other.example.com":{"username":"u","password":"p"}}}""")]
    [InlineData("username", "u")]
    public void LoginOf_SecretWithoutALogin_SaysSo(string key, string value) =>
        Assert.Contains("has no", Assert.Throws<DeliveryException>(() => LoginOf("kubernetes.io/basic-auth", (key, value))).Message,
            StringComparison.Ordinal);

    private static Login LoginOf(string? type, params (string Key, string Value)[] data) => ContentResolver.LoginOf(
        new Secret { Type = type, Data = data.ToDictionary(entry => entry.Key, entry => Encoding.UTF8.GetBytes(entry.Value)) },
        "login", Host);
}

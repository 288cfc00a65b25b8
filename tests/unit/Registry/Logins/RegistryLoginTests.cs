using System.Text;
using CapiRegistryHook.Registry.Logins;
using Org.BouncyCastle.Crypto.Generators;

namespace CapiRegistryHook.Unit.Tests.Registry.Logins;

public sealed class RegistryLoginTests
{
    /// <summary>Published vectors of bcrypt, with the letter for its version that they have.</summary>
    [Theory]
    [InlineData("", "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.")]
    [InlineData("a", "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe")]
    [InlineData("abc", "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i")]
    [InlineData("abcdefghijklmnopqrstuvwxyz", "$2a$06$.rCVZVOThsIa97pEDOxvGuRRgzG64bvtJ0938xuqzv18d3ZpQhstC")]
    [InlineData("~!@#$%^&*()      ~!@#$%^&*()PNBFRD", "$2a$06$fPIsBO8qRqkjj273rfaOI.HtSV9jLDpTbZn782DC6/t7qT67P6FfO")]
    public void Hash_PublishedVectors_Match(string password, string published)
    {
        var hash = Bcrypt.Hash(password, SaltOf(published), cost: 6);

        Assert.Equal(published[7..], hash[7..]);
    }

    [Fact]
    public void Hash_AnotherImplementation_Agrees()
    {
        for (var length = 1; length <= 71; length += 7)
        {
            var password = new string((char)('A' + (length % 26)), length);
            var salt = Encoding.ASCII.GetBytes($"salt-of-length-{length % 10}");
            Assert.Equal(
                OpenBsdBCrypt.Generate(password.ToCharArray(), salt, 4)[7..], Bcrypt.Hash(password, salt, 4)[7..]);
        }
    }

    [Fact]
    public void Hash_TooLongAPassword_IsRefusedInsteadOfCut() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Bcrypt.Hash(new string('x', 73), new byte[16], 4));

    [Fact]
    public void Generate_Twice_GivesTwoPasswords()
    {
        var (one, other) = (RegistryLogin.Generate(), RegistryLogin.Generate());

        Assert.Equal("registry-1", one.UserName);
        Assert.NotEqual(one.Password, other.Password);
        Assert.True(Accepts(one.Htpasswd, one));
        Assert.False(Accepts(one.Htpasswd, new Probe("registry-1", other.Password)));
    }

    [Fact]
    public void Rotate_AcceptsBothUntilTheFormerIsDropped()
    {
        var first = RegistryLogin.Generate();
        var second = first.Rotate();

        Assert.Equal("registry-2", second.UserName);
        Assert.True(second.HasFormer);
        Assert.True(Accepts(second.Htpasswd, first));
        Assert.True(Accepts(second.Htpasswd, second));
        var left = second.WithoutFormer();
        Assert.False(left.HasFormer);
        Assert.False(Accepts(left.Htpasswd, first));
        Assert.True(Accepts(left.Htpasswd, second));
        Assert.Equal(3, new[] { first.Digest, second.Digest, left.Digest }.Distinct().Count());
    }

    [Theory]
    [InlineData("", "p", "registry-1:$2y$")]
    [InlineData("registry-1", "", "registry-1:$2y$")]
    [InlineData("registry-1", "p", "registry-2:$2y$")]
    [InlineData("admin", "p", "admin:$2y$")]
    public void Load_APartThatDoesNotBelong_IsNoLogin(string user, string password, string htpasswd) =>
        Assert.Null(RegistryLogin.Load(user, password, htpasswd));

    [Fact]
    public void ToString_Login_ShowsNoPassword()
    {
        var login = RegistryLogin.Generate();
        Assert.DoesNotContain(login.Password, login.ToString(), StringComparison.Ordinal);
    }

    private static bool Accepts(string htpasswd, RegistryLogin login) => Accepts(htpasswd, new Probe(login.UserName, login.Password));

    private static bool Accepts(string htpasswd, Probe login) => htpasswd.Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Select(line => line.Split(':')).Any(parts => parts[0] == login.User
            && OpenBsdBCrypt.CheckPassword(parts[1], login.Password.ToCharArray()));

    private static byte[] SaltOf(string hash)
    {
        const string Alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        var bits = string.Concat(hash[7..29].Select(letter => Convert.ToString(Alphabet.IndexOf(letter, StringComparison.Ordinal), 2)
            .PadLeft(6, '0')));
        return [.. Enumerable.Range(0, 16).Select(index => Convert.ToByte(bits.Substring(index * 8, 8), 2))];
    }

    private sealed record Probe(string User, string Password);
}

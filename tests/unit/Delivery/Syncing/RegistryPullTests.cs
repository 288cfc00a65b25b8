using System.Text;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Delivery.Declared;
using CapiRegistryHook.Delivery.Sources;
using CapiRegistryHook.Delivery.Syncing;
using CapiRegistryHook.Delivery.Targets;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Registry.Contents;
using CapiRegistryHook.Unit.Tests.Kubernetes;

namespace CapiRegistryHook.Unit.Tests.Delivery.Syncing;

/// <summary>What a registry is told to fetch by itself, and when it is reported.</summary>
public sealed class RegistryPullTests : IDisposable
{
    private static readonly string One = $"sha256:{new string('1', 64)}";
    private static readonly string Two = $"sha256:{new string('2', 64)}";
    private static readonly RegistryPlace[] Places = [new("library/app", "1"), new("test/tool", null)];

    private readonly List<ResolvedContent> _opened = [];

    public void Dispose() => _opened.ForEach(content => content.Dispose());

    /// <summary>By digest from the source, to the place where the nodes of the cluster look; secrets only by their files.</summary>
    [Fact]
    public void FilesOf_LoginAndAuthority_AreFilesBesideTheEntries()
    {
        using var authority = new TestAuthority();
        var files = RegistryPull.FilesOf(Content(new Login("reader", "pa\"ss{{word}}"), authority.Pem), Places);

        Assert.Equal($$$"""
            - registry: "source.example.com:5000"
              tls: "enabled"
              regcert: "{{file \"/etc/regsync/declared/team-a.base.ca.crt\"}}"
              user: "{{file \"/etc/regsync/declared/team-a.base.username\"}}"
              pass: "{{file \"/etc/regsync/declared/team-a.base.password\"}}"
            sync:
            - source: "source.example.com:5000/mirror/library/app@{{{One}}}"
              target: "127.0.0.1:5000/library/app:1"
              type: "image"
            - source: "source.example.com:5000/mirror/test/tool@{{{Two}}}"
              target: "127.0.0.1:5000/test/tool@{{{Two}}}"
              type: "image"

            """, Text(files, "yml"));
        Assert.Equal(
            ("reader", "pa\"ss{{word}}", authority.Pem), (Text(files, "username"), Text(files, "password"), Text(files, "ca.crt")));
    }

    [Fact]
    public void FilesOf_NeitherLoginNorAuthority_NamesNoFiles()
    {
        var files = RegistryPull.FilesOf(Content(), Places);

        Assert.Equal(["yml"], files.Keys);
        Assert.DoesNotContain("file", Text(files, "yml"), StringComparison.Ordinal);
    }

    [Fact]
    public void FilesOf_IdentityToken_IsRefused() => Assert.Equal(
        "The login of source.example.com:5000 is an identity token, which registries can't use; give them a user and a password.",
        Assert.Throws<DeliveryException>(() => RegistryPull.FilesOf(Content(new Login("", "", "token")), Places)).Message);

    /// <summary>A registry that goes on, however slowly, is not reported; one that has stopped is, always with the same sentence.</summary>
    [Fact]
    public void Report_NothingArrives_IsReportedAfterAWhile()
    {
        var content = Content();
        var begin = new ManualTime().GetUtcNow();
        var result = Report(former: null, 0, 0);
        Assert.Null(Report(result, 0, 14).Reason);
        result = Report(result, 1, 14);
        Assert.Null(result.Reason);
        Assert.Equal(1, result.Arrived);

        result = Report(result, 1, 28);
        Assert.Null(result.Reason);
        result = Report(result, 1, 29);
        Assert.Equal("The registry has not fetched anything from source.example.com:5000 for 15 minutes: 1 of 2 is there; the log of "
            + "regsync in the pod registry-0 says why.", result.Reason);
        Assert.Equal(result.Reason, Report(result, 1, 60).Reason);
        Assert.False(result.IsComplete);
        Assert.Null(Report(result, 0, 61).Reason);

        ClusterResult Report(ClusterResult? former, int arrived, int minutes) =>
            RegistryPull.Report(content, former, arrived, "registry-0", begin + TimeSpan.FromMinutes(minutes));
    }

    private ResolvedContent Content(Login? login = null, string? authority = null)
    {
        var spec = new RegistrySourceSpec { Host = "source.example.com:5000", Prefix = "mirror" };
        var source = new SourceRegistry(spec, authority, login, new AddressPolicy([]), TimeProvider.System);
        var entries = new[] { Entry("docker.io/library/app:1", One), Entry($"docker.io/test/tool@{Two}", Two) };
        var content = new ResolvedContent(new ContentKey("team-a", "base"), entries, [], source) { Way = "way" };
        _opened.Add(content);
        return content;

        SourceEntry Entry(string name, string digest) => new(name, new RegistrySource(source.Client, "any"),
            new Descriptor("application/vnd.oci.image.manifest.v1+json", Digest.Parse(digest), 2)) { Name = Reference.Parse(name) };
    }

    private static string Text(Dictionary<string, byte[]> files, string name) => Encoding.UTF8.GetString(files[name]);
}

using CapiRegistryHook.Content.Charts;
using CapiRegistryHook.Content.Mirroring;
using CapiRegistryHook.Content.Programs;
using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Unit.Tests.Content;

public sealed class HelmInstallTests : IDisposable
{
    private static readonly HelmInstall Install =
        new(new HelmRelease("web", "shop"), "/charts/web.tgz", ["a.yaml", "b.yaml"], "/tmp/kubeconfig", TimeSpan.FromMinutes(2));

    private readonly string _folder = Directory.CreateTempSubdirectory("capi-registry-hook-helm-").FullName;

    [Fact]
    public void Arguments_Plain_InstallOrUpgradeTheRelease() => Assert.Equal(
        "upgrade web /charts/web.tgz --install --kubeconfig /tmp/kubeconfig --namespace shop --create-namespace --timeout 120s "
        + "--values a.yaml --values b.yaml --wait", string.Join(' ', (Install with { Waits = true }).Arguments(major: 4)));

    [Fact]
    public void Arguments_PostRenderer_IsAProgramForHelm3AndAPluginForHelm4()
    {
        var install = Install with { PostRenderer = HelmPostRenderer.Create(_folder, "/bin/cat", ["rewrite", "--images=a b.json"]) };
        var link = Path.Combine(_folder, "rewrite-images", "run");

        Assert.Equal(["--post-renderer", link, "--post-renderer-args=rewrite", "--post-renderer-args=--images=a b.json"],
            install.Arguments(major: 3).TakeLast(4));
        Assert.Equal(["--post-renderer", "rewrite-images"], install.Arguments(major: 4).TakeLast(2));
        Assert.Equal("/bin/cat", new FileInfo(link).LinkTarget);
        Assert.Contains(
            "args: [\"rewrite\", \"--images=a b.json\"]", File.ReadAllText(Path.Combine(_folder, "rewrite-images", "plugin.yaml")),
            StringComparison.Ordinal);
    }

    [Fact]
    public void PostRenderer_ArgumentThatHelmWouldExpand_IsRefused() =>
        Assert.Throws<ContentException>(() => HelmPostRenderer.Create(_folder, "/bin/cat", ["--path=Kind:spec.$HOME"]));

    [Fact]
    public async Task Program_EndlessOutput_IsEnded()
    {
        var exception = await Assert.ThrowsAsync<ContentException>(() => new ProgramCall("yes", []) { LargestOutput = 1000 }
            .RunAsync(TimeProvider.System, TestContext.Current.CancellationToken));

        Assert.Equal("yes wrote more than 1000 bytes.", exception.Message);
    }

    [Fact]
    public async Task Program_Failure_KeepsTheEndOfItsErrorsOnOneLine()
    {
        var call = new ProgramCall("sh", ["-c", "echo out; head -c 9000 /dev/zero >&2; printf 'why\\n\\033[2Jit failed\\n' >&2; exit 3"]);

        var result = await call.RunAsync(TimeProvider.System, TestContext.Current.CancellationToken);

        Assert.Equal((3, "out\n"), (result.ExitCode, result.Text));
        Assert.EndsWith("why [2Jit failed", result.Errors, StringComparison.Ordinal);
        Assert.True(result.Errors.Length < 4096);
    }

    [Fact]
    public void Replacements_OfFoundImages_AreReadAgain()
    {
        var digest = Digest.Compute("x"u8);
        var (there, missing) = (Reference.Parse("nginx:1"), Reference.Parse("ghcr.io/a/b:2"));
        var images = new Dictionary<Reference, MirroredImage>
        {
            [there] = new("library/nginx", digest, null), [missing] = new("a/b", null, "no"),
        };
        var file = Path.Combine(_folder, "images.json");
        File.WriteAllBytes(file, ImageReplacements.ToJson(images, "10.96.0.20"));

        var (image, replacement) = Assert.Single(ImageReplacements.Read(file));
        Assert.Equal((there, $"10.96.0.20/library/nginx@{digest}"), (image, replacement.ToString()));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{\"a\": 1}")]
    [InlineData("{")]
    public void Replacements_MalformedFile_IsRefused(string text)
    {
        var file = Path.Combine(_folder, "images.json");
        File.WriteAllText(file, text);
        Assert.Throws<ContentException>(() => ImageReplacements.Read(file));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}

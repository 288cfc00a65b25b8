using System.Formats.Tar;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CapiRegistryHook.Content.Layouts;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Hooks.Operations;
using CapiRegistryHook.Packaging.Images;

namespace CapiRegistryHook.EndToEnd.Tests.Packaging;

/// <summary>What is in the released image, which the tests on a cluster with a node run.</summary>
public sealed partial class ImageTests(BuiltImage image) : IClassFixture<BuiltImage>
{
    private const UnixFileMode Executable = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Write_Twice_SameBytes()
    {
        await using var scratch = ScratchFolder.Create("capi-registry-hook-twice-");
        var packages = await PackagesAsync();
        // Another folder, other times of the files.
        File.Copy(BuiltImage.Program, scratch["other-name"]);
        File.Copy(BuiltImage.Program + ".deps.json", scratch["other-name.deps.json"]);

        var first = Write(scratch["first"], BuiltImage.Program, packages, DateTimeOffset.UnixEpoch);
        var second = Write(scratch["second"], scratch["other-name"], packages, DateTimeOffset.UnixEpoch);
        var later = Write(scratch["later"], BuiltImage.Program, packages, DateTimeOffset.UnixEpoch.AddSeconds(1));

        Assert.Equal(first, second);
        Assert.Equal(File.ReadAllBytes(Path.Combine(scratch["first"], "image.tar")), File.ReadAllBytes(Path.Combine(scratch["second"],
            "image.tar")));
        Assert.Equal(Listing(scratch["first"]), Listing(scratch["second"]));
        Assert.NotEqual(first, later);
        // The commit's time is in the configuration alone: layers are shared between releases.
        Assert.Equal(
            2, Listing(scratch["first"]).Intersect(Listing(scratch["later"])).Count(file => file.Contains("blobs", StringComparison.Ordinal)
            && Size(scratch["first"], file) > 1_000_000));
    }

    /// <summary>Neither a shell nor another program: the loader of glibc is the only one beside ours.</summary>
    [Fact]
    public void Programs_AreOursAndTheLoader() => Assert.Equal(
        ["capi-registry-hook", "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"],
        image.Entries.Where(entry => entry.Type == TarEntryType.RegularFile && (entry.Mode & Executable) != 0).Select(entry => entry.Name)
            .Order(StringComparer.Ordinal));

    [Fact]
    public async Task Libraries_AreWhatTheProgramLoads_NothingMore()
    {
        var loaded = await Task.WhenAll(((string[])["/capi-registry-hook", "/usr/lib/x86_64-linux-gnu/libssl.so.3"]).Select(LoadedAsync));
        var known = loaded.SelectMany(list => list).Append("libssl.so.3").Distinct().Order(StringComparer.Ordinal);
        var present = Directory.GetFiles(Path.Combine(image.Root, "usr/lib/x86_64-linux-gnu")).Select(path => Path.GetFileName(path))
            .Where(name => SharedObject().IsMatch(name)).Order(StringComparer.Ordinal);
        Assert.Equal(known, present);
    }

    [Fact]
    public void Entries_NoOwnerNoTimes() =>
        Assert.All(image.Entries, entry => Assert.Equal((0, DateTimeOffset.UnixEpoch), (entry.User, entry.Time)));

    [Fact]
    public void Configuration_NumericUserAndLabels()
    {
        var config = image.Configuration["config"]!;
        Assert.Equal("65532:65532", (string?)config["User"]);
        Assert.Equal("/capi-registry-hook", (string?)config["Entrypoint"]![0]);
        Assert.Equal("serve", (string?)config["Cmd"]![0]);
        Assert.Equal(ServiceVersion.Text, (string?)config["Labels"]!["org.opencontainers.image.version"]);
        Assert.Equal(config["Labels"]!.ToJsonString(), image.Manifest["annotations"]!.ToJsonString());
        Assert.Equal((string?)image.Configuration["created"], (string?)config["Labels"]!["org.opencontainers.image.created"]);
    }

    /// <summary>Where OpenSSL looks, as Debian builds it.</summary>
    [Fact]
    public void Certificates_AreWhereOpenSslLooks()
    {
        var bundle = Path.Combine(image.Root, Target("usr/lib/ssl/cert.pem"));
        Assert.True(Certificate().Count(File.ReadAllText(bundle)) > 100);
        Assert.Equal("etc/ssl/certs", Target("usr/lib/ssl/certs"));
        Assert.Contains("/usr/lib/ssl", System.Text.Encoding.Latin1.GetString(
            File.ReadAllBytes(Path.Combine(image.Root, "usr/lib/x86_64-linux-gnu/libcrypto.so.3"))), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Layout_ReadByTheProduct_HasTheBillAttached()
    {
        using var layout = await ContentArchive.OpenAsync(Path.Combine(BuiltImage.Artifacts, "layout"), CancellationToken);
        var name = Assert.Single(layout.Names);
        var attached = Assert.Single(await layout.AttachedToAsync(Digest.Parse(image.Digest), CancellationToken));

        Assert.Equal($"registry.example.com/capi-registry-hook:{ServiceVersion.Text}", name.Name?.ToString());
        Assert.Equal("application/spdx+json", attached.Descriptor.ArtifactType);
    }

    /// <summary>What a node gets has one image and nothing that refers to it: containerd would try to unpack that as an image.</summary>
    [Fact]
    public async Task Tar_HasTheImageAlone()
    {
        using var tar = await ContentArchive.OpenAsync(Path.Combine(BuiltImage.Artifacts, "image.tar"), CancellationToken);
        Assert.Equal(image.Digest, Assert.Single(tar.Names).Descriptor.Digest.ToString());
        Assert.Empty(await tar.AttachedToAsync(Digest.Parse(image.Digest), CancellationToken));
    }

    [Fact]
    public void Bill_ListsWhatIsInside()
    {
        var bill = Bill();
        var listed = bill["packages"]!.AsArray().Select(package => $"{package!["name"]} {package["versionInfo"]}").ToHashSet();
        foreach (var file in Directory.GetFiles(Path.Combine(image.Root, "var/lib/dpkg/status.d")))
            Assert.Contains($"{Path.GetFileName(file)} {Field(file, "Version")}", listed);
        foreach (Match package in CentralPackage().Matches(File.ReadAllText(Path.Combine(RepositoryRoot.Find(), "Directory.Packages.props"))
            .Split("Label=\"Build\"")[0]))
            Assert.Contains($"{package.Groups[1].Value} {package.Groups[2].Value}", listed);
        Assert.Contains(listed, name => name.StartsWith("Microsoft.NETCore.App.Runtime.linux-x64 10.0.", StringComparison.Ordinal));
        Assert.Contains($"capi-registry-hook {ServiceVersion.Text}", listed);
    }

    [Fact]
    public void Bill_IsSoundSpdx()
    {
        var bill = Bill();
        var ids = bill["packages"]!.AsArray().Select(package => (string)package!["SPDXID"]!).Append("SPDXRef-DOCUMENT").ToList();
        Assert.Equal(ids.Distinct(), ids);
        Assert.All(ids, id => Assert.Matches("^SPDXRef-[A-Za-z0-9.-]+$", id));
        Assert.All(bill["relationships"]!.AsArray(), relation =>
        {
            Assert.Contains((string?)relation!["spdxElementId"], ids);
            Assert.Contains((string?)relation["relatedSpdxElement"], ids);
        });
        Assert.Equal("SPDX-2.3", (string?)bill["spdxVersion"]);
        Assert.EndsWith(image.Digest[7..], (string?)bill["documentNamespace"], StringComparison.Ordinal);
        Assert.Equal((string?)image.Configuration["created"], (string?)bill["creationInfo"]!["created"]);
    }

    private static JsonNode Bill()
    {
        var manifest = BuiltImage.Blob(BuiltImage.Index()["manifests"]![1]!);
        return BuiltImage.Blob(manifest["layers"]![0]!);
    }

    private static string Write(string folder, string program, string packages, DateTimeOffset created)
    {
        Directory.CreateDirectory(folder);
        return ServiceImage.Write(new ImageFacts("registry.test", "1.2.3", created, "abc"), program, packages, folder);
    }

    private static List<string> Listing(string folder) =>
        [.. Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(folder, file)).Order()];

    private static long Size(string folder, string file) => new FileInfo(Path.Combine(folder, file)).Length;

    private static async Task<string> PackagesAsync()
    {
        var script = Path.Combine(RepositoryRoot.Find(), "packaging", "packages.sh");
        return (await ProgramRun.OutputOfAsync("/bin/bash", [script], CancellationToken)).Trim();
    }

    /// <summary>By the loader of the image, with nothing else in sight.</summary>
    private async Task<IEnumerable<string>> LoadedAsync(string program)
    {
        var run = await ProgramRun.OutputOfAsync(
            "/usr/bin/unshare", ["--root", image.Root, "/lib64/ld-linux-x86-64.so.2", "--list", program], CancellationToken);
        Assert.DoesNotContain("not found", run, StringComparison.Ordinal);
        return LoadedLibrary().Matches(run).Select(match => match.Groups[1].Value);
    }

    private string Target(string link) => new FileInfo(Path.Combine(image.Root, link)).LinkTarget![1..];

    private static string Field(string control, string name) =>
        File.ReadLines(control).First(line => line.StartsWith(name + ": ", StringComparison.Ordinal))[(name.Length + 2)..];

    [GeneratedRegex(@"\.so\.[0-9]+$")]
    private static partial Regex SharedObject();

    [GeneratedRegex(@"(?:^|/|\s)((?:lib|ld-)[^/ ]*\.so\.[0-9]+) (?:=>|\()", RegexOptions.Multiline)]
    private static partial Regex LoadedLibrary();

    [GeneratedRegex("-----BEGIN CERTIFICATE-----")]
    private static partial Regex Certificate();

    [GeneratedRegex("PackageVersion Include=\"([^\"]+)\" Version=\"([^\"]+)\"")]
    private static partial Regex CentralPackage();
}

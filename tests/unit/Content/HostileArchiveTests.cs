using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using CapiRegistryHook.Content.Archives;
using CapiRegistryHook.Content.Bundles;
using CapiRegistryHook.Content.Charts;
using CapiRegistryHook.Content.Layouts;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Harness;

namespace CapiRegistryHook.Unit.Tests.Content;

public sealed class HostileArchiveTests : IAsyncDisposable
{
    private readonly ScratchFolder _folder = ScratchFolder.Create("capi-registry-hook-hostile-");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _folder.DisposeAsync();

    [Theory]
    [InlineData("../etc/passwd", "leads out of it")]
    [InlineData("/etc/passwd", "leads out of it")]
    [InlineData("a/../../b", "leads out of it")]
    [InlineData("a\\..\\b", "leads out of it")]
    public void Tar_PathTricks_AreRefused(string name, string reason) => Refused(Tar((name, TarEntryType.RegularFile, "")), reason);

    [Fact]
    public void Tar_OneNameTwice_IsRefused() =>
        Refused(Tar(("index.json", TarEntryType.RegularFile, ""), ("./index.json", TarEntryType.RegularFile, "")), "twice");

    [Theory]
    [InlineData("../../x", "leads out of it")]
    [InlineData("/etc/passwd", "leads out of it")]
    public void Tar_LinkThatLeadsOut_IsRefused(string target, string reason) =>
        Refused(Tar(("blobs/x", TarEntryType.SymbolicLink, target)), reason);

    [Fact]
    public void Tar_Device_IsRefused() => Refused(Tar(("x", TarEntryType.Fifo, "")), "neither a file");

    [Fact]
    public void Tar_LinkToALink_IsNotFollowed()
    {
        var index = Read(Tar(("a", TarEntryType.SymbolicLink, "b"), ("b", TarEntryType.SymbolicLink, "a"),
            ("c", TarEntryType.SymbolicLink, "d"), ("d", TarEntryType.RegularFile, "")));
        Assert.Null(index.Find("a"));
        Assert.NotNull(index.Find("c"));
    }

    [Fact]
    public void Tar_SizeBeyondTheEnd_IsRefused() => Refused([.. TarHeader.For("x", 1 << 20), .. new byte[1024]], "cut off");

    [Fact]
    public void Tar_HugeExtendedHeader_IsRefused()
    {
        var header = TarHeader.For("x", 64 << 20);
        header[156] = (byte)'x';
        Fix(header);
        Refused([.. header, .. new byte[64 << 20]], "extended header of 67108864 bytes");
    }

    [Fact]
    public void Tar_DamagedHeader_IsRefused()
    {
        var header = TarHeader.For("x", 0);
        header[3] ^= 1;
        Refused(header, "damaged");
    }

    [Fact]
    public async Task Layout_ManifestOfAHundredMebibytes_IsRefused()
    {
        Layout($$$"""{"schemaVersion":2,"manifests":[{"mediaType":"{{{MediaTypes.OciManifest}}}","digest":"sha256:{{{new string('a', 64)}}}","size":104857600,"annotations":{"org.opencontainers.image.ref.name":"r.test/a:1"}}]}""");
        using var layout = await ContentArchive.OpenAsync(_folder.Path, Cancelled);
        var report = await ContentVerification.RunAsync(layout, 1, Cancelled);
        Assert.Contains("104857600 bytes", Assert.Single(report.Problems), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Layout_OneNameForTwoThings_IsRefused()
    {
        string Entry(char digit) =>
            $$$"""{"mediaType":"{{{MediaTypes.OciManifest}}}","digest":"sha256:{{{new string(digit, 64)}}}","size":10,"annotations":{"org.opencontainers.image.ref.name":"r.test/a:1"}}""";
        Layout($$$"""{"schemaVersion":2,"manifests":[{{{Entry('a')}}},{{{Entry('b')}}}]}""");
        Assert.Contains("two different entries named 'r.test/a:1'",
            (await Assert.ThrowsAsync<ContentException>(() => ContentArchive.OpenAsync(_folder.Path, Cancelled))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Layout_DigestThatLies_IsRefused()
    {
        var digest = new string('a', 64);
        Layout($$$"""{"schemaVersion":2,"manifests":[{"mediaType":"{{{MediaTypes.OciIndex}}}","digest":"sha256:{{{digest}}}","size":34,"annotations":{"org.opencontainers.image.ref.name":"r.test/a:1"}}]}""");
        Directory.CreateDirectory(_folder["blobs/sha256"]);
        _folder.Write($"blobs/sha256/{digest}", """{"schemaVersion":2,"manifests":[]}""");
        Assert.Contains("its digest is of",
            (await Assert.ThrowsAsync<ContentException>(() => ContentArchive.OpenAsync(_folder.Path, Cancelled))).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""[{"Config":"c.json","Layers":["\ud800"]}]""")]
    [InlineData("""[{"Config":"\ud800","Layers":[]}]""")]
    public async Task DockerArchive_TextThatIsNotUnicode_IsRefused(string list)
    {
        _folder.Write("manifest.json", list);
        _folder.Write("c.json", "{}");
        await Assert.ThrowsAsync<ContentException>(() => ContentArchive.OpenAsync(_folder.Path, Cancelled));
    }

    [Fact]
    public void Lock_TextThatIsNotUnicode_IsRefused() => Assert.Throws<ContentException>(() => BundleLock.Parse(
        Encoding.UTF8.GetBytes(
            $$"""{"version":1,"content":[{"name":"a","digest":"sha256:{{new string('0', 64)}}","size":1,"why":["\ud800"]}],"blobs":[],"leftOut":[]}""")));

    [Fact]
    public async Task DockerArchive_LayerThatIsNotItsDiffId_IsRefused()
    {
        _folder.Write("manifest.json", """[{"Config":"c.json","RepoTags":["a:1"],"Layers":["l.tar"]}]""");
        _folder.Write("c.json", $$$"""{"rootfs":{"diff_ids":["sha256:{{{new string('a', 64)}}}"]}}""");
        _folder.Write("l.tar", "layer");
        Assert.Contains("where the configuration says",
            (await Assert.ThrowsAsync<ContentException>(() => ContentArchive.OpenAsync(_folder.Path, Cancelled))).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../../etc/passwd")]
    [InlineData("/etc/passwd")]
    public async Task DockerArchive_PathsOutOfTheFolder_AreNotOpened(string path)
    {
        _folder.Write("manifest.json", $$$"""[{"Config":"{{{path}}}","Layers":[]}]""");
        await Assert.ThrowsAsync<ContentException>(() => ContentArchive.OpenAsync(_folder.Path, Cancelled));
    }

    [Fact]
    public void Chart_Bomb_IsRefused()
    {
        var path = _folder["bomb.tgz"];
        using (var gzip = new GZipStream(File.Create(path), CompressionLevel.Fastest))
        {
            var zeros = new byte[1 << 20];
            for (var part = 0; part < 101; part++)
                gzip.Write(zeros);
        }

        Assert.Contains("more than 100 MiB", Assert.Throws<ContentException>(() => ChartSource.Open(path)).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("name: ../x\nversion: 1.0.0\n", "no name and version")]
    [InlineData("name: x\n", "no name and version")]
    [InlineData("name: x\nversion: 1.0.0\na: &a [*a]\n", "not YAML that can be used")]
    [InlineData("- x\n", "not one YAML mapping")]
    public void Chart_MalformedChartYaml_IsRefused(string yaml, string reason)
    {
        var path = _folder["x.tgz"];
        using (var gzip = new GZipStream(File.Create(path), CompressionLevel.Fastest))
            gzip.Write(TarOf(("x/Chart.yaml", yaml)));
        Assert.Contains(reason, Assert.Throws<ContentException>(() => ChartSource.Open(path)).Message, StringComparison.Ordinal);
    }

    private void Layout(string index)
    {
        _folder.Write("oci-layout", "{}");
        _folder.Write("index.json", index);
    }

    private static void Refused(byte[] tar, string reason) =>
        Assert.Contains(reason, Assert.Throws<ContentException>(() => Read(tar)).Message, StringComparison.Ordinal);

    private static TarIndex Read(byte[] tar) => TarIndex.Read((buffer, offset) =>
    {
        var length = (int)Math.Min(buffer.Length, tar.Length - offset);
        tar.AsSpan((int)offset, length).CopyTo(buffer);
        return length;
    }, tar.Length, "test");

    private static byte[] Tar(params (string Name, TarEntryType Type, string Link)[] entries)
    {
        using var stream = new MemoryStream();
        using (var tar = new TarWriter(stream, TarEntryFormat.Pax, leaveOpen: true))
        {
            foreach (var (name, type, link) in entries)
            {
                var entry = new PaxTarEntry(type, name);
                if (type == TarEntryType.SymbolicLink)
                    entry.LinkName = link;
                tar.WriteEntry(entry);
            }
        }

        return stream.ToArray();
    }

    private static byte[] TarOf(params (string Name, string Text)[] files)
    {
        using var stream = new MemoryStream();
        using (var tar = new TarWriter(stream, TarEntryFormat.Ustar, leaveOpen: true))
        {
            foreach (var (name, text) in files)
                tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile,
                    name) { DataStream = new MemoryStream(Encoding.UTF8.GetBytes(text)) });
        }

        return stream.ToArray();
    }

    private static void Fix(byte[] header)
    {
        var sum = 8 * ' ' + header.Take(512).Where((_, place) => place is < 148 or >= 156).Sum(value => value);
        Encoding.ASCII.GetBytes(Convert.ToString(sum, 8).PadLeft(6, '0') + "\0 ").CopyTo(header, 148);
    }
}

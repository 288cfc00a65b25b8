using System.Formats.Tar;
using System.Text;
using CapiRegistryHook.Cli.Commands;
using CapiRegistryHook.Content.Archives;
using CapiRegistryHook.Content.Bundles;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Content.Workloads;

namespace CapiRegistryHook.Unit.Tests.Fuzz;

/// <summary>Everything that content is read from and that other people wrote: manifests, archives, YAML, and what registries say.</summary>
public class ContentFuzzTests(ITestOutputHelper output) : FuzzTests(output)
{
    private const string Blob =
        """{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":1,"annotations":{"a":"b"},"platform":{"os":"linux","architecture":"arm64","variant":"v8"}}""";

    [Fact]
    public void Manifest_AnyBytes_IsAManifestOrOneSentence()
    {
        var image =
            $$$"""{"schemaVersion":2,"mediaType":"{{{MediaTypes.OciManifest}}}","artifactType":"x","config":{{{Blob}}},"layers":[{{{Blob}}}],"subject":{{{Blob}}},"annotations":{"a":"b"}}""";
        var index = $$$"""{"schemaVersion":2,"mediaType":"{{{MediaTypes.OciIndex}}}","manifests":[{{{Blob}}}]}""";
        Run(new Fuzzer("content-manifests", [Bytes(image), Bytes(index)], Words.Json), 20_000, input => Accepts(() =>
        {
            var manifest = Manifest.Parse(input);
            Assert.True(manifest.Descriptor.Digest.Matches(input));
            Assert.All(manifest.Blobs.Concat(manifest.Children), descriptor => Assert.True(descriptor.Size >= 0));
            _ = ContentKinds.Of(manifest);
        }));
    }

    [Fact]
    public void Lock_AnyBytes_IsALockOrOneSentence()
    {
        var digest = Digest.Compute("x"u8);
        var entry = new ContentSummary("a", digest, ContentKind.Image, ["linux/amd64"], 5) { Why = ["b"] };
        var json = new BundleLock([entry], new Dictionary<Digest, long> { [digest] = 1 }, new Dictionary<Digest, long>()).ToJson();
        Run(new Fuzzer("content-manifests", [json], Words.Json), 10_000, input => Accepts(() => BundleLock.Parse(input)));
    }

    [Fact]
    public void Tar_AnyBytes_IsAnIndexOfPlacesInsideOrOneSentence() =>
        Run(new Fuzzer("content-tar", [Tar(TarEntryFormat.Pax), Tar(TarEntryFormat.Gnu), Tar(TarEntryFormat.Ustar)],
            ["../", "/", "x", "\0", "9", "77777777777", "11 path=../\n", "20 size=99999999999\n", "ustar"]), 20_000, input => Accepts(() =>
        {
            var index = TarIndex.Read((buffer, offset) => Read(input, buffer, offset), input.Length, "tar");
            foreach (var path in index.Files)
            {
                var file = index.Find(path)!.Value;
                Assert.True(file.Offset >= 0 && file.Length >= 0 && file.Offset + file.Length <= input.Length, path);
                Assert.False(path.StartsWith('/') || path.Split('/').Contains(".."), path);
            }
        }));

    [Fact]
    public void Rewrite_AnyYaml_ChangesNothingElseOrIsOneSentence()
    {
        const string Pod = "kind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - image: 'nginx:1'\n  - {image: "
            + "\"a/b@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}\n  - image: &x redis\n  - image: *x\n";
        Run(new Fuzzer("content-yaml", [Bytes(Pod), Bytes("kind: List\nitems:\n- " + Pod.Replace("\n", "\n  ", StringComparison.Ordinal))],
            Words.Yaml), 20_000, input => Accepts(() =>
        {
            var text = Encoding.UTF8.GetString(input);
            Assert.Equal(text, ManifestRewrite.Apply(text, [], _ => null).Text);
            var same = ManifestRewrite.Apply(text, [], reference => reference);
            Assert.Equal(same.Rewritten.Count, ManifestRewrite.Apply(same.Text, [], reference => reference).Rewritten.Count);
        }));
    }

    /// <summary>As <c>bundle create -f</c> reads it.</summary>
    [Fact]
    public void ContentList_AnyFile_IsAListOrOneSentence()
    {
        const string List = "images: [nginx:1]\nimageLists: [a.txt]\ncharts:\n- {chart: oci://r.test/a, version: 1.0.0, values: "
            + "[v.yaml]}\narchives: [layout]\nplatforms: [linux/amd64]\n";
        var file = Path.GetTempFileName();
        try
        {
            Run(new Fuzzer(
                "content-yaml", [Bytes(List), [0xef, 0xbb, 0xbf, .. Bytes(List)]], [.. Words.Yaml, "\0", "\ufeff", "archives: []"]),
                10_000, input => Accepts(() =>
                {
                    File.WriteAllBytes(file, input);
                    BundleCreateCommand.ReadList(file);
                }));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void ImageList_AnyText_IsReferencesOrOneSentenceWithItsLine() =>
        Run(new Fuzzer("content-answers", [Bytes("# printed by a tool\nregistry.k8s.io/pause:3.10\r\n\nnginx # web\n")],
            ["\n", "\r", "#", ":", "@", "\0", "\u202e"]), 10_000,
            input => Accepts(() => ContentList.ParseImageList(Encoding.UTF8.GetString(input), "images.txt")));

    [Fact]
    public void Challenge_AnyHeader_IsOneOrNone() =>
        Run(new Fuzzer("content-answers",
            [Bytes("Bearer realm=\"https://a.test/token\",service=\"s\",scope=\"repository:a/b:pull,push\""), Bytes("Basic realm=x")],
            ["\"", "\\", ",", "=", "realm=", " ", "\\\""]), 20_000, input =>
            Challenge.Parse(Encoding.UTF8.GetString(input)) is not null);

    [Fact]
    public void Reference_AnyText_IsOneThatReadsBackOrOneSentence() =>
        Run(new Fuzzer("content-answers",
            [Bytes("registry.example.com:5000/a/b:1@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            Bytes("[fd00::1]:5000/a"), Bytes("nginx")], ["/", ":", "@", "..", "//", "%2f", "\u202e", "docker.io/", "A"]), 20_000,
            input => Accepts(() =>
        {
            var reference = Reference.Parse(Encoding.UTF8.GetString(input));
            Assert.Equal(reference, Reference.Parse(reference.ToString()));
            Assert.DoesNotContain("..", reference.Repository, StringComparison.Ordinal);
        }));

    [Fact]
    public void DockerConfig_AnyBytes_IsLoginsOrOneSentence()
    {
        const string Config = """{"auths":{"r.test":{"auth":"dTpw"},"s.test":{"identitytoken":"t"}}}""";
        Run(new Fuzzer("content-manifests", [Bytes(Config)], Words.Json), 10_000, input => Accepts(() =>
            // No input names a helper: that would be a program of this machine.
            _ = Encoding.UTF8.GetString(input).Contains("cred", StringComparison.Ordinal) ? null
                : DockerConfig.Parse(input, "config.json", TimeProvider.System).FindAsync("r.test",
                CancellationToken.None).GetAwaiter().GetResult()));
    }

    private static bool Accepts(Action read)
    {
        try
        {
            read();
            return true;
        }
        catch (ContentException exception)
        {
            Assert.True(exception.Message.Length <= 1000, $"{exception.Message.Length} characters");
            Assert.DoesNotContain(exception.Message, char.IsControl);
            return false;
        }
    }

    private static byte[] Tar(TarEntryFormat format)
    {
        using var stream = new MemoryStream();
        using (var tar = new TarWriter(stream, format, leaveOpen: true))
        {
            foreach (var name in new[] { "oci-layout", "blobs/sha256/a", new string('n', 90) + "/" + new string('m', 90) })
            {
                TarEntry entry = format switch
                {
                    TarEntryFormat.Pax => new PaxTarEntry(TarEntryType.RegularFile, name),
                    TarEntryFormat.Gnu => new GnuTarEntry(TarEntryType.RegularFile, name),
                    _ => new UstarTarEntry(TarEntryType.RegularFile, name),
                };
                entry.DataStream = new MemoryStream(Bytes("content"));
                tar.WriteEntry(entry);
            }
        }

        return stream.ToArray();
    }

    private static int Read(byte[] content, Span<byte> buffer, long offset)
    {
        var length = (int)Math.Min(buffer.Length, content.Length - offset);
        content.AsSpan((int)offset, length).CopyTo(buffer);
        return length;
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}

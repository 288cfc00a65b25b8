using System.Formats.Tar;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Content.Layouts;
using CapiRegistryHook.Content.Copying;
using CapiRegistryHook.EndToEnd.Tests.Content;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Service;

namespace CapiRegistryHook.EndToEnd.Tests.Delivery.Syncing;

/// <summary>RegistryContents of a site, and a registry that they come from.</summary>
internal static class SyncSite
{
    public static string Contents(string @namespace) =>
        AdminClient.Contents(@namespace);

    /// <summary>Puts a new image of random content under a tag of a registry, and returns its digest.</summary>
    public static async Task<string> PutImageAsync(
        EmbeddedSite site, RealRegistry registry, string repository, string tag, int seed, CancellationToken cancellationToken,
        int size = 50_000)
    {
        var images = new LayoutImages(site.Folder[$"image-{Guid.NewGuid():N}"], seed);
        var digest = images.Add($"docker.io/{repository}:{tag}", Layer(images.Random(size)), Layer(images.Random(size)));
        using var layout = await ContentArchive.OpenAsync(images.Folder, cancellationToken);
        var item = new CopyItem("image", layout, layout.Names[0].Descriptor, repository, tag);
        var report = await ContentCopy.RunAsync(registry.Client, [item], new CopyOptions(), cancellationToken);
        Assert.Empty(report.Failures);
        return digest;
    }

    /// <summary>A content from a registry, whose authority lies in a Secret beside it.</summary>
    public static JsonObject Content(string name, RealRegistry source, params string[] images) =>
        TestContent.FromRegistry(name, source.Name, images);

    /// <summary>A window of time on every day.</summary>
    /// <param name="from">Its begin, from now on.</param>
    /// <param name="to">Its end, from now on.</param>
    public static JsonObject Window(TimeSpan from, TimeSpan to)
    {
        var now = TimeProvider.System.GetUtcNow();
        return new JsonObject { ["from"] = Clock(now + from), ["to"] = Clock(now + to) };

        static string Clock(DateTimeOffset moment) => moment.ToString("HH:mm", CultureInfo.InvariantCulture);
    }

    public static Task<JsonObject> CreateAsync(
        EmbeddedSite site, JsonObject content, CancellationToken cancellationToken, string @namespace = "default") =>
        site.Admin.CreateAsync(Contents(@namespace), content, cancellationToken);

    public static Task WriteSecretAsync(
        EmbeddedSite site, string @namespace, string name, (string Key, string Value)[] data, CancellationToken cancellationToken,
        string type = "Opaque") =>
            site.Admin.CreateAsync(AdminClient.Secrets(@namespace), new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = name },
            ["type"] = type,
            ["data"] = new JsonObject([.. data.Select(entry => KeyValuePair.Create<string, JsonNode?>(
                entry.Key, Convert.ToBase64String(Encoding.UTF8.GetBytes(entry.Value))))]),
        }, cancellationToken);

    public static Task WriteCaAsync(
        EmbeddedSite site, RealRegistry source, CancellationToken cancellationToken, string @namespace = "default") =>
        WriteSecretAsync(site, @namespace, "source-ca", [("ca.crt", source.RootPem)], cancellationToken);

    /// <summary>Waits until the condition Ready of a content has this reason, and returns the content.</summary>
    public static async Task<JsonObject> WaitAsync(
        EmbeddedSite site, RunningSync sync, string name, string reason, CancellationToken cancellationToken, string @namespace = "default")
    {
        JsonObject? content = null;
        await Polling.UntilAsync($"{name} is {reason}", async () =>
        {
            content = await site.Admin.GetAsync(Contents(@namespace), name, cancellationToken);
            return Condition(content, "Ready")?["reason"]?.GetValue<string>() == reason
                && content["status"]!["observedGeneration"]!.GetValue<long>() == content["metadata"]!["generation"]!.GetValue<long>();
        }, () => content?["status"]?.ToJsonString() + sync.Log, cancellationToken);
        return content!;
    }

    // Nodes unpack it.
    private static byte[] Layer(byte[] content)
    {
        using var stream = new MemoryStream();
        using (var tar = new TarWriter(stream, TarEntryFormat.Ustar, leaveOpen: true))
            tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, Convert.ToHexStringLower(content.AsSpan(0, 8)))
            {
                DataStream = new MemoryStream(content), ModificationTime = DateTimeOffset.UnixEpoch,
            });
        return stream.ToArray();
    }

    public static JsonNode? Condition(JsonObject content, string type) =>
        content["status"]?["conditions"]?.AsArray().FirstOrDefault(condition => (string)condition!["type"]! == type);
}

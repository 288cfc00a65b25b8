using System.Text;
using System.Text.Json.Nodes;

namespace CapiRegistryHook.Packaging.Images;

/// <summary>
/// The image of the service: a layer of Debian's libraries, which changes with Debian's updates only, and one with the program. Same
/// program, same packages, same commit: same digest.
/// </summary>
internal static class ServiceImage
{
    private const string ProgramPath = "/capi-registry-hook";
    private const string ConfigType = "application/vnd.oci.image.config.v1+json";
    private const string NameAnnotation = "io.containerd.image.name";
    private const string TagAnnotation = "org.opencontainers.image.ref.name";

    /// <summary>
    /// Writes <c>layout/</c>, <c>image.tar</c>, <c>sbom.spdx.json</c> and <c>digest</c> into a folder.
    /// </summary>
    /// <param name="facts">What it is called.</param>
    /// <param name="program">The published program; its <c>.deps.json</c> is beside it.</param>
    /// <param name="packageFolder">Debian's packages.</param>
    /// <param name="output">An empty folder.</param>
    /// <returns>The digest of the image.</returns>
    public static string Write(ImageFacts facts, string program, string packageFolder, string output)
    {
        var packages = DebianPackage.ReadAll(packageFolder);
        var layers = new[] { DebianLayer.Make(packages), ProgramLayer(program) };
        // The tar is for nodes and for Docker, which want one image and nothing that refers to it.
        var alone = new ImageLayout();
        var (image, config) = Add(alone, layers, facts);
        alone.WriteTar(Path.Combine(output, "image.tar"), ("manifest.json", DockerManifest(facts, config, image.Layers)));

        var digest = (string)image.Descriptor["digest"]!;
        var dependencies = JsonNode.Parse(File.ReadAllBytes(program + ".deps.json"))!;
        var bill = StableJson.ToReadableBytes(
            SpdxDocument.Make(facts, digest, [.. SoftwareList.Of(packages)], [.. SoftwareList.InProgram(dependencies)]));
        AttachBill(alone, image.Descriptor, bill, facts);
        alone.WriteFolder(Path.Combine(output, "layout"));
        File.WriteAllBytes(Path.Combine(output, "sbom.spdx.json"), bill);
        File.WriteAllText(Path.Combine(output, "digest"), digest + "\n");
        return digest;
    }

    private static FileTree ProgramLayer(string program)
    {
        var tree = new FileTree();
        tree.AddFile(ProgramPath[1..], File.ReadAllBytes(program), isExecutable: true);
        return tree;
    }

    private static ((JsonObject Descriptor, List<JsonObject> Layers) Image, JsonObject Config) Add(
        ImageLayout layout, FileTree[] trees, ImageFacts facts)
    {
        var layers = trees.Select(layout.AddLayer).ToList();
        var config = layout.Add(ConfigType, StableJson.ToBytes(Configuration(facts, layers.Select(layer => layer.DiffId))));
        var descriptor = layout.AddManifest(
            new JsonObject
            {
                ["schemaVersion"] = 2,
                ["mediaType"] = ImageLayout.ManifestType,
                ["config"] = config.DeepClone(),
                ["layers"] = new JsonArray([.. layers.Select(layer => layer.Descriptor.DeepClone())]),
                ["annotations"] = Labels(facts),
            },
            ("platform", new JsonObject { ["architecture"] = "amd64", ["os"] = "linux" }),
            ("annotations", new JsonObject { [NameAnnotation] = facts.Name, [TagAnnotation] = facts.Version }));
        return ((descriptor, [.. layers.Select(layer => layer.Descriptor)]), config);
    }

    private static JsonObject Configuration(ImageFacts facts, IEnumerable<string> layers) => new()
    {
        ["created"] = facts.CreatedText,
        ["architecture"] = "amd64",
        ["os"] = "linux",
        ["config"] = new JsonObject
        {
            ["User"] = ImageFacts.User,
            ["ExposedPorts"] = new JsonObject { ["8080/tcp"] = new JsonObject(), ["9443/tcp"] = new JsonObject() },
            ["Env"] = new JsonArray("PATH=/", ImageFacts.RuntimeSetting),
            ["Entrypoint"] = new JsonArray(ProgramPath),
            ["Cmd"] = new JsonArray("serve"),
            ["WorkingDir"] = "/",
            ["Labels"] = Labels(facts),
        },
        ["rootfs"] = new JsonObject { ["type"] = "layers", ["diff_ids"] = new JsonArray([.. layers]) },
        ["history"] = new JsonArray(
            new JsonObject { ["created"] = facts.CreatedText, ["created_by"] = "Debian's libraries and CA certificates" },
            new JsonObject { ["created"] = facts.CreatedText, ["created_by"] = "the program" }),
    };

    private static JsonObject Labels(ImageFacts facts) =>
        new(facts.Labels.Select(label => KeyValuePair.Create(label.Key, (JsonNode?)label.Value)));

    // What "docker load" looks for in a tar, before Docker 25.
    private static byte[] DockerManifest(ImageFacts facts, JsonObject config, IEnumerable<JsonObject> layers) => StableJson.ToBytes(
        new JsonArray(new JsonObject
        {
            ["Config"] = PathOf(config),
            ["RepoTags"] = new JsonArray(facts.Name),
            ["Layers"] = new JsonArray([.. layers.Select(layer => (JsonNode?)PathOf(layer))]),
        }));

    private static string PathOf(JsonObject descriptor) =>
        "blobs/" + ((string)descriptor["digest"]!).Replace(':', '/');

    private static void AttachBill(ImageLayout layout, JsonObject image, byte[] bill, ImageFacts facts) => layout.AddManifest(
        new JsonObject
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = ImageLayout.ManifestType,
            ["artifactType"] = SpdxDocument.MediaType,
            ["config"] = layout.Add(ImageLayout.EmptyType, Encoding.ASCII.GetBytes("{}")),
            ["layers"] = new JsonArray(layout.Add(SpdxDocument.MediaType, bill)),
            ["subject"] = image.DeepClone(),
            ["annotations"] = new JsonObject { ["org.opencontainers.image.created"] = facts.CreatedText },
        },
        ("artifactType", SpdxDocument.MediaType));
}

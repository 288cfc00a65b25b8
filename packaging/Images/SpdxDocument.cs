using System.Text.Json.Nodes;

namespace CapiRegistryHook.Packaging.Images;

/// <summary>A software bill of materials as SPDX 2.3: the image, the program in it, and the packages of both.</summary>
internal static class SpdxDocument
{
    public const string MediaType = "application/spdx+json";

    private const string Unknown = "NOASSERTION";
    private const string Document = "SPDXRef-DOCUMENT";
    private const string Image = "SPDXRef-Image";
    private const string Program = "SPDXRef-Program";

    /// <param name="facts">The image.</param>
    /// <param name="digest">The digest of the image's manifest.</param>
    /// <param name="system">The packages beside the program.</param>
    /// <param name="program">The packages in the program.</param>
    public static JsonObject Make(
        ImageFacts facts, string digest, IReadOnlyList<SoftwarePackage> system, IReadOnlyList<SoftwarePackage> program) => new()
        {
            ["spdxVersion"] = "SPDX-2.3",
            ["dataLicense"] = "CC0-1.0",
            ["SPDXID"] = Document,
            ["name"] = $"{ImageFacts.Title}-{facts.Version}",
            // Unique per image, as SPDX asks; nothing has to answer there.
            ["documentNamespace"] = $"https://capi-registry-hook.io/spdx/{ImageFacts.Title}-{facts.Version}-{digest[7..]}",
            ["creationInfo"] = new JsonObject
            {
                ["created"] = facts.CreatedText,
                ["creators"] = new JsonArray("Organization: The CapiRegistryHook authors", "Tool: CapiRegistryHook.Packaging"),
            },
            ["packages"] = new JsonArray(
            [
                Own(Image, $"{facts.Registry}/{ImageFacts.Title}", facts.Version, "CONTAINER", digest[7..]),
                Own(Program, ImageFacts.Title, facts.Version, "APPLICATION", ""),
                .. system.Concat(program).Select(Describe),
            ]),
            ["relationships"] = new JsonArray(
            [
                Relate(Document, "DESCRIBES", Image),
                Relate(Image, "CONTAINS", Program),
                .. system.Select(package => Relate(Image, "CONTAINS", IdOf(package))),
                .. program.Select(package => Relate(Program, "CONTAINS", IdOf(package))),
            ]),
        };

    private static JsonObject Own(string id, string name, string version, string purpose, string sha256)
    {
        var package = Basics(id, name, version, sha256);
        package["supplier"] = "Organization: The CapiRegistryHook authors";
        package["licenseDeclared"] = "Apache-2.0";
        package["primaryPackagePurpose"] = purpose;
        return package;
    }

    private static JsonObject Describe(SoftwarePackage software)
    {
        var package = Basics(IdOf(software), software.Name, software.Version, software.Sha256);
        package["supplier"] = software.Supplier.Length > 0 ? software.Supplier : Unknown;
        package["licenseDeclared"] = Unknown;
        package["externalRefs"] = new JsonArray(new JsonObject
        {
            ["referenceCategory"] = "PACKAGE-MANAGER",
            ["referenceType"] = "purl",
            ["referenceLocator"] = software.Url,
        });
        return package;
    }

    private static JsonObject Basics(string id, string name, string version, string sha256)
    {
        var package = new JsonObject
        {
            ["SPDXID"] = id,
            ["name"] = name,
            ["versionInfo"] = version,
            ["downloadLocation"] = Unknown,
            ["filesAnalyzed"] = false,
            ["licenseConcluded"] = Unknown,
            ["copyrightText"] = Unknown,
        };
        if (sha256.Length > 0)
            package["checksums"] = new JsonArray(new JsonObject { ["algorithm"] = "SHA256", ["checksumValue"] = sha256 });
        return package;
    }

    private static JsonObject Relate(string from, string how, string to) => new()
    {
        ["spdxElementId"] = from,
        ["relationshipType"] = how,
        ["relatedSpdxElement"] = to,
    };

    // An identifier has letters, digits, dots and dashes.
    private static string IdOf(SoftwarePackage package) =>
        (package.Url.StartsWith("pkg:deb", StringComparison.Ordinal) ? "SPDXRef-Debian-" : "SPDXRef-NuGet-")
            + package.Name.Replace("+", ".", StringComparison.Ordinal);
}

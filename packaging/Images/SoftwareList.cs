using System.Text.Json.Nodes;

namespace CapiRegistryHook.Packaging.Images;

/// <summary>A package that is in the image.</summary>
/// <param name="Name">Its name where it comes from.</param>
/// <param name="Version">Its version there.</param>
/// <param name="Url">Its package URL.</param>
/// <param name="Supplier">Who made it; empty when that is not known.</param>
/// <param name="Sha256">The digest of the package in hexadecimal digits; empty when that is not known.</param>
internal sealed record SoftwarePackage(string Name, string Version, string Url, string Supplier = "", string Sha256 = "");

/// <summary>What is in the image, with versions.</summary>
internal static class SoftwareList
{
    private const string RuntimePack = "runtimepack.";

    public static IEnumerable<SoftwarePackage> Of(IEnumerable<DebianPackage> packages) => packages.Select(package => new SoftwarePackage(
        package.Name, package.Version,
        $"pkg:deb/debian/{package.Name}@{Uri.EscapeDataString(package.Version)}?arch={package.Architecture}&distro=debian-12",
        "Organization: Debian", package.Sha256));

    /// <summary>The NuGet packages and runtime packs in the program, from what the SDK wrote when it built it.</summary>
    /// <param name="dependencies">The program's <c>.deps.json</c>.</param>
    public static IEnumerable<SoftwarePackage> InProgram(JsonNode dependencies)
    {
        foreach (var (key, library) in dependencies["libraries"]!.AsObject().OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            var (name, version) = key.Split('/') is [var first, var second] ? (first, second)
                : throw new InvalidOperationException($"'{key}' in the program's dependencies is not a name with a version.");
            if ((string?)library!["type"] is not ("package" or "runtimepack"))
                continue;
            if (name.StartsWith(RuntimePack, StringComparison.Ordinal))
                name = name[RuntimePack.Length..];
            yield return new SoftwarePackage(name, version, $"pkg:nuget/{name}@{version}");
        }
    }
}

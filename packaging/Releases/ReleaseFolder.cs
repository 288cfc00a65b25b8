using System.Security.Cryptography;
using System.Text.RegularExpressions;

namespace CapiRegistryHook.Packaging.Releases;

/// <summary>All files of a release.</summary>
/// <param name="Checkout">The root of the repository.</param>
/// <param name="Version">The version.</param>
/// <param name="Registry">The registry in the image's name.</param>
/// <param name="IsDryRun">Whether the notes are those of the unreleased changes.</param>
internal sealed partial record ReleaseFolder(string Checkout, string Version, string Registry, bool IsDryRun)
{
    /// <summary>Writes the release.</summary>
    /// <param name="image">What <c>packaging/image.sh</c> wrote.</param>
    /// <param name="rendered">A folder with a file <c>NAME.yaml</c> per rendering of the chart.</param>
    /// <param name="output">An empty folder.</param>
    /// <exception cref="InvalidOperationException">
    /// The sources have another version, or lack something; nothing is complete then.
    /// </exception>
    public void Write(string image, string rendered, string output)
    {
        CheckVersions();
        CopyImage(image, output);
        File.WriteAllBytes(Path.Combine(output, $"registry-{Version}.tgz"), ReleaseCharts.Registry());
        File.WriteAllBytes(Path.Combine(output, $"capi-registry-hook-{Version}.tgz"),
            ReleaseCharts.Service(InCheckout("charts/capi-registry-hook"), Registry));
        File.WriteAllText(Path.Combine(output, "runtime-extension-components.yaml"),
            Manifests.Components(File.ReadAllText(Path.Combine(rendered, "clusterctl.yaml"))));
        File.Copy(InCheckout("packaging/metadata.yaml"), Path.Combine(output, "metadata.yaml"));
        WriteKustomization(rendered, output, "default");
        WriteKustomization(rendered, output, "self-managed");
        File.WriteAllText(Path.Combine(output, "RELEASE_NOTES.md"), Notes(image));
        WriteChecksums(output);
    }

    private void CheckVersions()
    {
        Check("Directory.Build.props", $"<VersionPrefix>{Version}</VersionPrefix>");
        Check("charts/registry/Chart.yaml", $"\nversion: {Version}\n");
        Check("charts/capi-registry-hook/Chart.yaml", $"\nversion: {Version}\n");
        Check("charts/capi-registry-hook/Chart.yaml", $"\nappVersion: \"{Version}\"\n");
        Check("Dockerfile", $"ARG VERSION={Version}\n");
        var numbers = VersionNumbers().Match(Version);
        Check("packaging/metadata.yaml", $"  - major: {numbers.Groups[1].Value}\n    minor: {numbers.Groups[2].Value}\n");
    }

    private void Check(string file, string expected)
    {
        if (!File.ReadAllText(InCheckout(file)).Contains(expected, StringComparison.Ordinal))
            throw new InvalidOperationException($"{file} does not have '{expected.Trim()}': give it the version {Version}, and commit it.");
    }

    private void CopyImage(string image, string output)
    {
        File.Copy(Path.Combine(image, "image.tar"), Path.Combine(output, $"capi-registry-hook-{Version}-image.tar"));
        File.Copy(Path.Combine(image, "sbom.spdx.json"), Path.Combine(output, $"capi-registry-hook-{Version}.spdx.json"));
        foreach (var file in Directory.GetFiles(Path.Combine(image, "layout"), "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(output, "image", Path.GetRelativePath(Path.Combine(image, "layout"), file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }

    private static void WriteKustomization(string rendered, string output, string name)
    {
        var folder = Directory.CreateDirectory(Path.Combine(output, "config", name)).FullName;
        File.WriteAllText(Path.Combine(folder, "capi-registry-hook.yaml"),
            Manifests.Plain(File.ReadAllText(Path.Combine(rendered, $"{name}.yaml"))));
        File.WriteAllText(Path.Combine(folder, "kustomization.yaml"), """
            apiVersion: kustomize.config.k8s.io/v1beta1
            kind: Kustomization
            resources:
              - capi-registry-hook.yaml

            """);
    }

    private string Notes(string image) => $"""
        # CapiRegistryHook {Version}

        Image: `{Registry}/capi-registry-hook:{Version}` (`{File.ReadAllText(Path.Combine(image, "digest")).Trim()}`)

        {Changelog.Section(File.ReadAllText(InCheckout("CHANGELOG.md")), IsDryRun ? Changelog.Unreleased : Version)}

        """;

    private static void WriteChecksums(string output)
    {
        var lines = Directory.GetFiles(output, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Select(file =>
                $"{Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(file)))}  {Path.GetRelativePath(output, file)}\n");
        File.WriteAllText(Path.Combine(output, "SHA256SUMS"), string.Concat(lines));
    }

    private string InCheckout(string path) => Path.Combine(Checkout, path);

    [GeneratedRegex(@"^([0-9]+)\.([0-9]+)\.")]
    private static partial Regex VersionNumbers();
}

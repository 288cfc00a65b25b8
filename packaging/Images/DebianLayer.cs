using System.Text;

namespace CapiRegistryHook.Packaging.Images;

/// <summary>
/// The lower layer: the libraries that the program loads, the CA certificates, and what scanners and lawyers look for. Neither a shell nor
/// any other program, but the loader.
/// </summary>
internal static class DebianLayer
{
    private const string Libraries = "usr/lib/x86_64-linux-gnu/";
    private const string Certificates = "usr/share/ca-certificates/mozilla/";
    private const string TrustedCertificates = "etc/ssl/certs/ca-certificates.crt";

    /// <summary>libssl and libcrypto are loaded by name; the others are the program's, by its ELF header.</summary>
    private static readonly string[] LoadedLibraries =
    [
        "ld-linux-x86-64.so.2", "libc.so.6", "libcrypto.so.3", "libdl.so.2", "libgcc_s.so.1", "libm.so.6", "libpthread.so.0", "librt.so.1",
        "libssl.so.3", "libstdc++.so.6",
    ];

    /// <exception cref="InvalidOperationException">A library or all certificates are missing.</exception>
    public static FileTree Make(IReadOnlyList<DebianPackage> packages)
    {
        var tree = new FileTree();
        tree.AddLink("lib", "usr/lib");
        tree.AddLink("lib64", "usr/lib64");
        AddSystemFiles(tree);
        foreach (var package in packages)
            AddPackage(tree, package);
        AddCertificates(tree, packages);
        var missing = LoadedLibraries.Where(library => !tree.Contains(Libraries + library)).ToList();
        return missing.Count == 0 ? tree : throw new InvalidOperationException($"No package has {string.Join(", ", missing)}.");
    }

    private static void AddSystemFiles(FileTree tree)
    {
        tree.AddSharedFolder("tmp");
        tree.AddText("etc/passwd", """
            root:x:0:0:root:/:/usr/sbin/nologin
            nonroot:x:65532:65532:nonroot:/:/usr/sbin/nologin

            """);
        tree.AddText("etc/group", "root:x:0:\nnonroot:x:65532:\n");
        // glibc's own default asks the network for users and groups too.
        tree.AddText("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n");
        // Scanners tell from these two files whose security notices apply.
        tree.AddText("etc/debian_version", "12\n");
        tree.AddText("etc/os-release", """
            PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
            NAME="Debian GNU/Linux"
            VERSION_ID="12"
            VERSION="12 (bookworm)"
            VERSION_CODENAME=bookworm
            ID=debian

            """);
    }

    // Without a package database, one file per package is what scanners expect.
    private static void AddPackage(FileTree tree, DebianPackage package)
    {
        tree.AddText($"var/lib/dpkg/status.d/{package.Name}", package.Control);
        foreach (var file in package.Files.Where(file => IsLibrary(file) || IsLicense(file, package.Name)))
        {
            if (file.Target is { } target)
                tree.AddLink(file.Path, target);
            else
                tree.AddFile(file.Path, file.Content, isExecutable: file.Name.StartsWith("ld-", StringComparison.Ordinal));
        }
    }

    private static bool IsLibrary(PackagedFile file) =>
        file.Path == "usr/lib64/ld-linux-x86-64.so.2"
        || (file.Path == Libraries + file.Name
            && LoadedLibraries.Any(library => file.Name == library || file.Name.StartsWith(library + ".", StringComparison.Ordinal)));

    // Some packages have a link to the folder of another one.
    private static bool IsLicense(PackagedFile file, string package) =>
        file.Path == $"usr/share/doc/{package}" || file.Path == $"usr/share/doc/{package}/copyright";

    // As Debian's update-ca-certificates does, and where OpenSSL looks unless it is told otherwise.
    private static void AddCertificates(FileTree tree, IReadOnlyList<DebianPackage> packages)
    {
        var all = new StringBuilder();
        foreach (var file in packages.SelectMany(package => package.Files)
            .Where(file => file.Path.StartsWith(Certificates, StringComparison.Ordinal)).OrderBy(file => file.Path, StringComparer.Ordinal))
            all.Append(Encoding.ASCII.GetString(file.Content).TrimEnd()).Append('\n');
        if (all.Length == 0)
            throw new InvalidOperationException("No package has CA certificates.");
        tree.AddText(TrustedCertificates, all.ToString());
        tree.AddLink("usr/lib/ssl/certs", "/etc/ssl/certs");
        tree.AddLink("usr/lib/ssl/cert.pem", "/" + TrustedCertificates);
    }
}

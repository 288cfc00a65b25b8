using System.Globalization;

namespace CapiRegistryHook.Packaging.Images;

/// <summary>What an image is called and where it comes from.</summary>
/// <param name="Registry">The registry in its name.</param>
/// <param name="Version">The version of the program, and the image's tag.</param>
/// <param name="Created">When its sources were committed; the only time in it.</param>
/// <param name="Revision">The commit; empty outside a repository.</param>
internal sealed record ImageFacts(string Registry, string Version, DateTimeOffset Created, string Revision)
{
    public const string Title = "capi-registry-hook";

    /// <summary>The user and the group that the program runs as; the chart says the same.</summary>
    public const string User = "65532:65532";

    /// <summary>
    /// Generation 0 of the collector does not grow with the processor's cache. The runtime reads this from the environment alone.
    /// </summary>
    public const string RuntimeSetting = "DOTNET_GCgen0size=0x800000";

    public string Name => $"{Registry}/{Title}:{Version}";

    /// <summary>The time as RFC 3339.</summary>
    public string CreatedText => Created.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>The keys of the OCI image specification. The Dockerfile sets the same.</summary>
    public IEnumerable<(string Key, string Value)> Labels
    {
        get
        {
            yield return ("org.opencontainers.image.created", CreatedText);
            yield return ("org.opencontainers.image.description",
                "Cluster API Runtime Extension that gives workload clusters an OCI registry of their own");
            yield return ("org.opencontainers.image.licenses", "Apache-2.0");
            yield return ("org.opencontainers.image.revision", Revision);
            yield return ("org.opencontainers.image.title", Title);
            yield return ("org.opencontainers.image.vendor", "The CapiRegistryHook authors");
            yield return ("org.opencontainers.image.version", Version);
        }
    }
}

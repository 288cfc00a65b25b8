using CapiRegistryHook.Content.Mirroring;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Delivery.Sources;

namespace CapiRegistryHook.Unit.Tests.Delivery;

public sealed class ContentPlacesTests
{
    private static readonly MirrorRule PerUpstream = new(["docker.io"]);

    [Fact]
    public void Map_ImagesAndCharts_GoWhereEachIsLookedFor()
    {
        ContentPlaces.Named[] content =
        [
            Named("docker.io/library/nginx:1", isImage: true), Named("ghcr.io/charts/app:2", isImage: false),
            Named("docker.io/charts/app:3", isImage: false),
            new("charts/own:4", Name: null, new RegistryPlace("charts/own", "4"), Digest.Compute("own"u8), IsImage: false),
        ];

        Assert.Equal(["docker.io/library/nginx:1", "charts/app:2", "docker.io/charts/app:3", "charts/own:4"],
            ContentPlaces.Map(content, PerUpstream).Select(place => $"{place.Repository}:{place.Tag}"));
    }

    [Fact]
    public void Map_ImageThatNodesDoNotLookFor_IsRefusedWithTheRemedy()
    {
        var exception = Assert.Throws<ContentException>(() => ContentPlaces.Map([Named("ghcr.io/a/b:1", isImage: true)], PerUpstream));

        Assert.Contains("mirror.upstreams", exception.Message, StringComparison.Ordinal);
    }

    private static ContentPlaces.Named Named(string name, bool isImage) =>
        new(name, Reference.Parse(name), Place: null, Digest.Compute(System.Text.Encoding.UTF8.GetBytes(name)), isImage);
}

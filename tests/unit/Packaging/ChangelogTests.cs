using CapiRegistryHook.Harness;
using CapiRegistryHook.Packaging.Releases;

namespace CapiRegistryHook.Unit.Tests.Packaging;

public sealed class ChangelogTests
{
    private const string Text = """
        # Changelog

        ## Unreleased

        ## 1.10.0 - 2030-01-02

        ### Added

        - More.

        ## 1.1.0

        - Less.

        """;

    [Theory]
    [InlineData("1.10.0", "### Added\n\n- More.")]
    [InlineData("1.1.0", "- Less.")]
    public void Section_OfAVersion_IsWhatStandsUnderIt(string version, string expected) =>
        Assert.Equal(expected, Changelog.Section(Text, version));

    [Theory]
    [InlineData("Unreleased")]
    [InlineData("1.1")]
    [InlineData("2.0.0")]
    public void Section_EmptyOrMissing_Throws(string heading) =>
        Assert.Throws<InvalidOperationException>(() => Changelog.Section(Text, heading));

    [Fact]
    public void Section_OfThisRepository_IsThere() => Assert.Contains(
        "### Added", Changelog.Section(File.ReadAllText(Path.Combine(RepositoryRoot.Find(), "CHANGELOG.md")), Changelog.Unreleased),
        StringComparison.Ordinal);
}

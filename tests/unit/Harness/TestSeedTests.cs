using CapiRegistryHook.Harness;

namespace CapiRegistryHook.Unit.Tests.Harness;

public sealed class TestSeedTests
{
    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void Parse_NothingChosen_IsTheSameEachTime(string? value) =>
        Assert.Equal(TestSeed.Parse("SEED", value), TestSeed.Parse("SEED", value));

    [Fact]
    public void Parse_Number_IsThatNumber() => Assert.Equal(42, TestSeed.Parse("SEED", "42"));

    [Fact]
    public void Parse_Random_IsAnotherEachTime() =>
        Assert.True(Enumerable.Range(0, 8).Select(_ => TestSeed.Parse("SEED", "random")).Distinct().Count() > 1);

    [Theory]
    [InlineData("-1")]
    [InlineData("1e3")]
    [InlineData("2147483648")]
    [InlineData("anything")]
    public void Parse_AnythingElse_NamesTheVariable(string value) =>
        Assert.Contains("SEED", Assert.Throws<ArgumentException>(() => TestSeed.Parse("SEED", value)).Message, StringComparison.Ordinal);
}

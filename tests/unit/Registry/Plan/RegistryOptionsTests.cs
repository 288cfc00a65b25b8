using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Unit.Tests.Registry.Plan;

public sealed class RegistryOptionsTests
{
    [Fact]
    public void Validate_Defaults_AreGood() => Assert.Empty(new RegistryOptions().Validate());

    [Fact]
    public void Validate_EverythingBad_NamesEveryProperty()
    {
        var bad = new RegistryOptions
        {
            HookNamespace = "A", RootSecretName = "", KeyAlgorithm = "DSA", VariableName = " ", VariablePath = "a..b",
            ChartRepository = "http://x", ChartName = "x y", ChartVersion = "", ChartCaSecret = "no-slash",
        };

        Assert.Equal(
            ["ChartCaSecret", "ChartName", "ChartRepository", "ChartVersion", "HookNamespace", "KeyAlgorithm",
             "RootSecretName", "VariableName", "VariablePath"],
            bad.Validate().Select(problem => problem.Field).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("builtin")]
    [InlineData("a.b")]
    [InlineData("")]
    public void Validate_VariableNameThatClusterApiDoesNotAllow_IsNamed(string name) =>
        Assert.Equal("VariableName", Assert.Single(new RegistryOptions { VariableName = name }.Validate()).Field);

    [Theory]
    [InlineData("oci://user:secret@host/charts")]
    [InlineData("oci:///charts")]
    [InlineData("charts")]
    public void Validate_ChartRepository_RefusesCredentialsAndNonsense(string repository) =>
        Assert.Single(new RegistryOptions { ChartRepository = repository }.Validate());
}

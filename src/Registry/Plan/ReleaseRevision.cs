using System.Security.Cryptography;
using System.Text;
using CapiRegistryHook.Registry.Objects;

namespace CapiRegistryHook.Registry.Plan;

/// <summary>What the admin decides about the release of every registry: the values, and which chart from where.</summary>
/// <param name="AdminValues">The admin's values as compact JSON with sorted keys.</param>
/// <param name="Repository">Where the chart comes from.</param>
/// <param name="ChartName">The name of the chart.</param>
/// <param name="ChartVersion">Its exact version.</param>
/// <param name="CaSecret">The Secret that verifies the repository, as <c>namespace/name</c>; empty for none.</param>
internal sealed record ReleaseRevision(string AdminValues, string Repository, string ChartName, string ChartVersion, string CaSecret)
{
    private const int IdLength = 16;

    /// <summary>The same decisions give the same 16 hex digits, whoever computes them.</summary>
    public string Id { get; } = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(
        string.Join('\n', AdminValues, Repository, ChartName, ChartVersion, CaSecret))))[..IdLength];

    /// <summary>What the admin decides now.</summary>
    public static ReleaseRevision Of(RegistryOptions options) => new(
        options.Defaults.Json, options.ChartRepository, options.ChartName, options.ChartVersion, options.ChartCaSecret);

    /// <summary>What a HelmChartProxy was written with.</summary>
    public static ReleaseRevision Of(HelmChartProxySpec spec, string adminValues) => new(
        adminValues, spec.RepoURL, spec.ChartName, spec.Version ?? "",
        spec.TlsConfig?.CaSecret is { } secret ? $"{secret.Namespace}/{secret.Name}" : "");

    /// <summary>The options as they were when the admin decided this; null when the values can't be used by this version.</summary>
    public RegistryOptions? ApplyTo(RegistryOptions options) =>
        RegistryDefaults.TryRestore(AdminValues, ChartName, ChartVersion) is { } defaults
            ? options with
            {
                Defaults = defaults,
                ChartRepository = Repository,
                ChartName = ChartName,
                ChartVersion = ChartVersion,
                ChartCaSecret = CaSecret,
            }
            : null;
}

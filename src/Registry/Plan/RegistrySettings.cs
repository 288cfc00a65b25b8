using System.Text.Json;

namespace CapiRegistryHook.Registry;

/// <summary>What a cluster user set under <c>addons.registry</c>; every field has a default.</summary>
internal sealed record RegistrySettings
{
    /// <summary>More replicas than this only multiply the copies: each holds every image.</summary>
    private const int MostReplicas = 9;

    /// <summary>A certificate is read by people and by every client; the cap keeps it small.</summary>
    private const int MostExtraNames = 32;

    /// <summary>Registry pods, 1 to 9.</summary>
    public int Replicas { get; init; } = 2;

    /// <summary>Addresses of the pull Service, at most one per address family; empty means computed.</summary>
    public IReadOnlyList<string> PullAddresses { get; init; } = [];

    /// <summary>Addresses of the primary Service, at most one per address family; empty means computed.</summary>
    public IReadOnlyList<string> PrimaryAddresses { get; init; } = [];

    /// <summary>Key algorithm of the server certificate; null means the admin's choice.</summary>
    public string? Algorithm { get; init; }

    /// <summary>More DNS names and addresses for the server certificate.</summary>
    public IReadOnlyList<string> ExtraNames { get; init; } = [];

    /// <summary>
    /// Finds the settings in the topology variables: null when the add-on is not asked for. What can't be read is
    /// added to <paramref name="problems"/>.
    /// </summary>
    public static RegistrySettings? Find(Cluster cluster, RegistryOptions options, ICollection<Problem> problems)
    {
        var variable = cluster.Spec?.Topology?.Variables?.FirstOrDefault(entry => entry?.Name == options.VariableName);
        if (variable is null)
            return null;

        var value = variable.Value;
        var field = options.VariableName;
        foreach (var step in options.VariableSteps)
        {
            if (IsAbsent(value))
                return null;
            if (value.ValueKind != JsonValueKind.Object)
            {
                problems.Add(new Problem(field, $"The variable {field} must be an object, not {Describe(value)}."));
                return null;
            }

            field += "." + step;
            if (!value.TryGetProperty(step, out value))
                return null;
        }

        return IsAbsent(value) ? null : Read(new SettingsReader(value, field, problems));
    }

    private static RegistrySettings Read(SettingsReader reader)
    {
        var defaults = new RegistrySettings();
        reader.OnlyFields("replicas", "addresses", "certificate");
        var addresses = reader.Object("addresses");
        addresses.OnlyFields("pull", "primary");
        var certificate = reader.Object("certificate");
        certificate.OnlyFields("algorithm", "extraNames");
        return new RegistrySettings
        {
            Replicas = reader.Integer("replicas", 1, MostReplicas) ?? defaults.Replicas,
            PullAddresses = addresses.Strings("pull", 2),
            PrimaryAddresses = addresses.Strings("primary", 2),
            Algorithm = certificate.Word("algorithm", CertificateAlgorithms.List),
            ExtraNames = certificate.Strings("extraNames", MostExtraNames),
        };
    }

    internal static bool IsAbsent(JsonElement value) => value.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null;

    internal static string Describe(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => $"the string {FieldText.Quote(value.GetString())}",
        JsonValueKind.Number => $"the number {FieldText.Quote(value.GetRawText()).Trim('"')}",
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        JsonValueKind.Array => "a list",
        _ => "an object",
    };
}

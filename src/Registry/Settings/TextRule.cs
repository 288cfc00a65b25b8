using System.Text.Json;
using System.Text.Json.Nodes;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Settings;

/// <summary>What a text must look like.</summary>
/// <param name="Name">What it is, as in "is no …".</param>
/// <param name="Example">What to write, as in "write it like …".</param>
/// <param name="MaxLength">The most characters.</param>
internal sealed record TextRule(string Name, string Example, int MaxLength)
{
    private const string SubdomainPattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*";

    /// <summary>For the schema: lets everything through that <see cref="Holds"/> does. Go reads it there, so it stays simple.</summary>
    public string? Pattern { get; private init; }

    private Func<string, bool> Holds { get; init; } = static _ => true;

    /// <summary>Checked where the cluster's network is known.</summary>
    public static TextRule Address { get; } = new("IP address", "10.96.0.20 or fd00:10:96::14", 64);

    /// <summary>Checked where the other names are known.</summary>
    public static TextRule NameOrAddress { get; } = new("DNS name or IP address", "registry.example.com or 192.0.2.10", 253);

    /// <summary>The name of most objects of Kubernetes.</summary>
    public static TextRule ObjectName { get; } = new("name of a Kubernetes object", "fast-disks", 253)
    {
        Pattern = SubdomainPattern + "$",
        Holds = KubernetesNames.IsSubdomain,
    };

    /// <summary>A quantity of Kubernetes above zero.</summary>
    public static TextRule Quantity { get; } = new("Kubernetes quantity above 0", "100m or 50Gi", 32)
    {
        Pattern = "^[0-9]+([.][0-9]+)?(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][0-9]{1,2})?$",
        Holds = text => Settings.Quantity.TryParse(text, out var quantity) && quantity.Value > 0,
    };

    /// <summary>A duration in the way of Go, as containerd reads it.</summary>
    public static TextRule Duration { get; } = new("duration above 0 and up to 5m", "500ms or 2s", 16)
    {
        Pattern = "^[0-9]+([.][0-9]+)?(ms|s|m)$",
        Holds = ShortDuration.IsValid,
    };

    /// <summary>The host of an upstream registry as it stands in image names.</summary>
    public static TextRule Upstream { get; } = new("registry host", "docker.io or registry.example.com:5000", 253)
    {
        Pattern = SubdomainPattern + "(:[0-9]{1,5})?$",
        Holds = UpstreamHost.IsValid,
    };

    /// <summary>What containerd puts before the name of a repository.</summary>
    public static TextRule MirrorUrl { get; } = new(
        "https URL with /v2 in its path", "https://mirror.example.com/v2 or https://mirror.example.com:8443/v2/hub", 253)
    {
        Pattern = "^https://[^/]+(/[A-Za-z0-9._-]+)*$",
        Holds = Settings.MirrorUrl.IsValid,
    };

    public bool IsValid(string text) => text.Length > 0 && text.Length <= MaxLength && Holds(text);

    public void Check(JsonElement value, string path, ICollection<Problem> problems)
    {
        if (value.ValueKind != JsonValueKind.String)
            problems.Add(new Problem(path, $"The variable {path} must be a string, not {Setting.Describe(value)}."));
        else if (!IsValid(value.GetString()!))
            problems.Add(new Problem(
                path, $"The variable {path} is {FieldText.Quote(value.GetString())}, which is no {Name}; write it like {Example}."));
    }

    public void AddTo(JsonObject schema)
    {
        schema["type"] = "string";
        schema["minLength"] = 1;
        schema["maxLength"] = MaxLength;
        if (Pattern is not null)
            schema["pattern"] = Pattern;
    }
}

using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace CapiRegistryHook.Kubernetes.Connection;

/// <summary>A value in a kubeconfig together with where it stands, so that a wrong one can be named. Values never get into a
/// message.</summary>
internal readonly record struct KubeconfigNode(string Path, YamlNode? Node)
{
    /// <summary>True for what YAML or a reader takes for nothing: missing, empty, null.</summary>
    public bool IsNull =>
        Node is null or YamlScalarNode { Style: ScalarStyle.Plain, Value: null or "" or "~" or "null" or "Null" or "NULL" };

    public KubeconfigNode this[string key] => new(
        Below(key), AsMapping().Node is YamlMappingNode mapping && mapping.Children.TryGetValue(new YamlScalarNode(key), out var value)
            ? value : null);

    public KubeconfigNode AsMapping() => IsNull || Node is YamlMappingNode ? this : throw Wrong("a mapping");

    /// <summary>The text, or null when there is none.</summary>
    public string? Text =>
        IsNull ? null : Node is YamlScalarNode scalar ? (scalar.Value is { Length: > 0 } text ? text : null) : throw Wrong("a text");

    public string Required => Text ?? throw new KubeconfigException($"The kubeconfig has no {Path}; add it.");

    public bool IsTrue => Text switch
    {
        null or "false" or "False" or "FALSE" => false,
        "true" or "True" or "TRUE" => true,
        _ => throw Wrong("true or false"),
    };

    public IReadOnlyList<KubeconfigNode> Items
    {
        get
        {
            if (IsNull)
                return [];
            var path = Path;
            return Node is YamlSequenceNode items
                ? [.. items.Children.Select((item, index) => new KubeconfigNode($"{path}[{index}]", item))]
                : throw Wrong("a list");
        }
    }

    /// <summary>The bytes of a base64 text, or null when there is none.</summary>
    public byte[]? Base64
    {
        get
        {
            if (Text is not { } text)
                return null;
            var bytes = new byte[text.Length];
            return Convert.TryFromBase64String(text, bytes, out var length) ? bytes[..length] : throw Wrong("base64");
        }
    }

    /// <summary>The place alone: values may be secret.</summary>
    public override string ToString() => Path;

    public KubeconfigException Wrong(string wanted) =>
        new($"{(Path.Length == 0 ? "The kubeconfig" : $"The kubeconfig's {Path}")} must be {wanted}.");

    private string Below(string key) => Path.Length == 0 ? key : $"{Path}.{key}";
}

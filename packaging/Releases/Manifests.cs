using System.Text.RegularExpressions;

namespace CapiRegistryHook.Packaging.Releases;

/// <summary>
/// What Helm renders of the service's chart, as manifests without Helm. They are edited as text, so that they keep their comments and a
/// variable may stand for a number.
/// </summary>
internal static partial class Manifests
{
    public const string Namespace = "capi-registry-hook-system";

    private const string ProviderLabel = "cluster.x-k8s.io/provider: runtime-extension-capi-registry-hook";

    /// <summary>Where <c>clusterctl</c> puts variables of its user, and what they are when it has none.</summary>
    private static readonly (string Line, string Variable)[] Variables =
    [
        ("  replicas: {0}", "REPLICAS:=2"),
        ("- --reconciler={0}", "RECONCILER:=On"),
        ("- --variable-name={0}", "VARIABLE_NAME:=clusterConfig"),
        ("- --variable-path={0}", "VARIABLE_PATH:=addons.registry"),
        ("- \"--log-level={0}\"", "LOG_LEVEL:=Information"),
        ("- \"--rollout={0}\"", "ROLLOUT:=Paced"),
    ];

    /// <summary>The namespace, before everything that is in it. Its pods keep to the strictest of the pod security standards.</summary>
    private const string NamespaceManifest = $"""
        apiVersion: v1
        kind: Namespace
        metadata:
          name: {Namespace}
          labels:
            pod-security.kubernetes.io/enforce: restricted

        """;

    /// <summary>Manifests for <c>kubectl</c> and kustomize.</summary>
    /// <param name="rendered">What <c>helm template</c> printed.</param>
    public static string Plain(string rendered) => string.Concat(Documents(rendered).Select(document => $"---\n{document}"));

    /// <summary>
    /// The components of a provider, as <c>clusterctl</c> wants them: labelled with the provider, the container called <c>manager</c>, and
    /// with variables that have defaults.
    /// </summary>
    /// <param name="rendered">What <c>helm template</c> printed.</param>
    /// <exception cref="InvalidOperationException">The chart no longer has what a variable stands for.</exception>
    public static string Components(string rendered)
    {
        // The user's shell has no say in what is not one of our variables.
        var text = string.Concat(Documents(rendered).Select(document => $"---\n{Labelled(document)}"))
            .Replace("$", "$$", StringComparison.Ordinal);
        text = ReplaceOnce(text, "- name: capi-registry-hook\n          image:", "- name: manager\n          image:");
        foreach (var (line, variable) in Variables)
        {
            var value = variable[(variable.IndexOf('=', StringComparison.Ordinal) + 1)..];
            text = ReplaceOnce(text, Fill(line, value) + "\n", Fill(line, $"${{CAPI_REGISTRY_HOOK_{variable}}}") + "\n");
        }

        return text;
    }

    /// <summary>The documents, without what belongs to Helm.</summary>
    private static IEnumerable<string> Documents(string rendered) =>
        Separator().Split(HelmLine().Replace(rendered, "")).Where(document => document.Trim().Length > 0)
            .Select(document => document.Trim('\n') + "\n").Prepend(NamespaceManifest);

    private static string Labelled(string document)
    {
        var metadata = Metadata().Match(document);
        if (!metadata.Success)
            throw new InvalidOperationException($"A manifest has no metadata:\n{document}");
        var labels = metadata.Value.IndexOf("\n  labels:\n", StringComparison.Ordinal);
        return labels >= 0
            ? document.Insert(metadata.Index + labels + "\n  labels:\n".Length, $"    {ProviderLabel}\n")
            : document.Insert(metadata.Index + "metadata:\n".Length, $"  labels:\n    {ProviderLabel}\n");
    }

    private static string Fill(string line, string value) => line.Replace("{0}", value, StringComparison.Ordinal);

    private static string ReplaceOnce(string text, string from, string to)
    {
        var first = text.IndexOf(from, StringComparison.Ordinal);
        return first >= 0 && text.IndexOf(from, first + 1, StringComparison.Ordinal) < 0
            ? text.Replace(from, to, StringComparison.Ordinal)
            : throw new InvalidOperationException($"The chart's manifests have '{from.Trim()}' not exactly once.");
    }

    [GeneratedRegex("^---\n", RegexOptions.Multiline)]
    private static partial Regex Separator();

    [GeneratedRegex(@"^(# Source: .*| +helm\.sh/chart: .*| +app\.kubernetes\.io/managed-by: Helm)\n", RegexOptions.Multiline)]
    private static partial Regex HelmLine();

    [GeneratedRegex(@"^metadata:\n(  .*\n)*", RegexOptions.Multiline)]
    private static partial Regex Metadata();
}

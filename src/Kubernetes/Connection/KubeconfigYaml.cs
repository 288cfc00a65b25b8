using System.Text;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace CapiRegistryHook.Kubernetes.Connection;

/// <summary>
/// Reads the YAML of a kubeconfig, which may be hostile: the representation model builds its tree by recursion, so depth, aliases and
/// size are checked on the flat stream of events first.
/// </summary>
internal static class KubeconfigYaml
{
    /// <summary>The limit of a Secret, where such a file may come from; etcd takes 1.5 MiB.</summary>
    public const int MostBytes = 1024 * 1024;

    /// <summary>A real file is six levels deep; extensions may add some.</summary>
    private const int Deepest = 32;

    private const int MostEvents = 100_000;

    public static KubeconfigNode Read(ReadOnlySpan<byte> yaml)
    {
        if (yaml.Length > MostBytes)
            throw new KubeconfigException($"The kubeconfig is larger than {MostBytes / 1024} KiB.");
        var text = Decode(yaml);
        try
        {
            CheckShape(text);
            YamlStream stream = new();
            stream.Load(new StringReader(text));
            if (stream.Documents.Count > 1)
                throw new KubeconfigException("The kubeconfig is more than one YAML document; keep one.");
            return new KubeconfigNode("", stream.Documents.FirstOrDefault()?.RootNode).AsMapping();
        }
        catch (YamlException exception)
        {
            // The parser's text quotes the file, so only the place goes on.
            throw new KubeconfigException($"The kubeconfig is not valid YAML near line {exception.Start.Line}.");
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException or FormatException)
        {
            throw new KubeconfigException("The kubeconfig is not valid YAML.");
        }
    }

    private static string Decode(ReadOnlySpan<byte> yaml)
    {
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(yaml).TrimStart('\uFEFF');
        }
        catch (DecoderFallbackException)
        {
            throw new KubeconfigException("The kubeconfig is not UTF-8.");
        }
    }

    private static void CheckShape(string text)
    {
        Parser parser = new(new StringReader(text));
        var depth = 0;
        for (var events = 0; parser.MoveNext(); events++)
        {
            depth += parser.Current!.NestingIncrease;
            if (depth > Deepest || events > MostEvents)
                throw new KubeconfigException(
                    $"The kubeconfig is nested deeper than {Deepest} levels or has more than {MostEvents} elements.");
            if (parser.Current is AnchorAlias)
                throw new KubeconfigException("The kubeconfig uses YAML aliases; write the values out.");
        }
    }
}

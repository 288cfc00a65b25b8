using System.Text.Json;

namespace CapiRegistryHook.Kubernetes.Connection;

/// <summary>
/// Writes the kubeconfig for another program of one that came over the network: what <see cref="Kubeconfig.Parse"/> takes and nothing
/// else, so that it names no file and no program, whatever another reader would make of the rest.
/// </summary>
public static class PlainKubeconfig
{
    private const string Name = "workload";
    private static readonly string[] ClusterFields = ["server", "certificate-authority-data", "tls-server-name", "proxy-url"];
    private static readonly string[] UserFields = ["client-certificate-data", "client-key-data", "token"];

    /// <summary>Writes the cluster and the user of the current context, else of the only one.</summary>
    /// <param name="yaml">The kubeconfig, at most 1 MiB.</param>
    /// <param name="time">The clock of the connection that it is tried with.</param>
    /// <returns>A kubeconfig in JSON. It holds credentials.</returns>
    /// <exception cref="KubeconfigException">It can't be used.</exception>
    public static byte[] Write(ReadOnlySpan<byte> yaml, TimeProvider time)
    {
        Kubeconfig.Parse(yaml, context: null, time).Dispose();
        var selected = KubeconfigSelection.Choose(KubeconfigYaml.Read(yaml), contextName: null);
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("apiVersion", "v1");
            json.WriteString("kind", "Config");
            json.WriteString("current-context", Name);
            WriteEntry(json, "clusters", "cluster", () => WriteFields(json, selected.Cluster, ClusterFields));
            WriteEntry(json, "users", "user", () => WriteFields(json, selected.User, UserFields));
            WriteEntry(json, "contexts", "context", () =>
            {
                json.WriteString("cluster", Name);
                json.WriteString("user", Name);
            });
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    private static void WriteEntry(Utf8JsonWriter json, string list, string key, Action content)
    {
        json.WriteStartArray(list);
        json.WriteStartObject();
        json.WriteString("name", Name);
        json.WriteStartObject(key);
        content();
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndArray();
    }

    private static void WriteFields(Utf8JsonWriter json, KubeconfigNode node, string[] fields)
    {
        foreach (var field in fields)
        {
            if (node[field].Text is { } text)
                json.WriteString(field, text);
        }
    }
}

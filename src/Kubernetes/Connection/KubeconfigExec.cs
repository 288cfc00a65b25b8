using System.Text;
using System.Text.Json;
using YamlDotNet.RepresentationModel;

namespace CapiRegistryHook.Kubernetes.Connection;

/// <summary>Reads the <c>exec</c> of a kubeconfig's user.</summary>
internal static class KubeconfigExec
{
    public static ExecPlugin Read(KubeconfigNode exec, KubeconfigNode cluster, Uri server, string folder)
    {
        var version = exec["apiVersion"].Required;
        if (version is not (ExecPlugin.V1 or ExecPlugin.V1Beta1))
            throw exec["apiVersion"].Wrong($"{ExecPlugin.V1} or {ExecPlugin.V1Beta1}");
        // "IfAvailable" means: ask a person if there is one. There never is.
        if (exec["interactiveMode"].Text is not (null or "Never" or "IfAvailable"))
            throw exec["interactiveMode"].Wrong("Never or IfAvailable, since there is nobody to ask");
        var clusterInfo = exec["provideClusterInfo"].IsTrue;
        return new ExecPlugin(
            version,
            Command(exec["command"].Required, folder),
            [.. exec["args"].Items.Select(item => item.Node is YamlScalarNode { Value: { } text } ? text : throw item.Wrong("a text"))],
            [.. exec["env"].Items.Select(item => KeyValuePair.Create(item["name"].Required, item["value"].Text ?? ""))],
            ExecInfo(version, clusterInfo ? cluster : null, server));
    }

    // A command with a separator is a path relative to the file, one without is looked up in PATH.
    private static string Command(string command, string folder) =>
        command.Contains(Path.DirectorySeparatorChar, StringComparison.Ordinal) ? Path.GetFullPath(command, folder) : command;

    private static string ExecInfo(string version, KubeconfigNode? cluster, Uri server)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter writer = new(stream))
        {
            writer.WriteStartObject();
            writer.WriteString("apiVersion", version);
            writer.WriteString("kind", "ExecCredential");
            writer.WriteStartObject("spec");
            writer.WriteBoolean("interactive", false);
            if (cluster is { } info)
                WriteCluster(writer, info, server);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static void WriteCluster(Utf8JsonWriter writer, KubeconfigNode cluster, Uri server)
    {
        writer.WriteStartObject("cluster");
        writer.WriteString("server", server.OriginalString);
        if (cluster["tls-server-name"].Text is { } name)
            writer.WriteString("tls-server-name", name);
        if (cluster["certificate-authority-data"].Base64 is { } authorities)
            writer.WriteBase64String("certificate-authority-data", authorities);
        if (cluster["proxy-url"].Text is { } proxy)
            writer.WriteString("proxy-url", proxy);
        writer.WriteEndObject();
    }
}

using CapiRegistryHook.Delivery.Targets;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>What a person needs to use a forwarded registry.</summary>
internal static class ForwardText
{
    /// <summary>The address, the file that verifies it, and a line for each usual client.</summary>
    /// <param name="target">The registry; of its login only the place is printed.</param>
    /// <param name="port">The port of 127.0.0.1.</param>
    /// <param name="authority">The path of the CA file; its folder holds nothing else.</param>
    /// <param name="asksForLogin">Whether it refuses the login that is known here, or that there is none.</param>
    public static string Write(RegistryTarget target, int port, string authority, bool asksForLogin)
    {
        var folder = Path.GetDirectoryName(authority);
        var login = target.LoginSecret is { } secret
            ? $"\nLogin: keys username and password of the Secret {secret} on the management cluster"
            : asksForLogin ? "\nLogin: the registry asks for one, which this program does not know" : "";
        return $"""
            The registry of {target.Name} is at https://127.0.0.1:{port} until this command ends (Ctrl-C).
            CA file: {authority}{login}

            docker:  sudo install -D {authority} /etc/docker/certs.d/127.0.0.1:{port}/ca.crt && docker push 127.0.0.1:{port}/library/app:1
            podman:  podman push --cert-dir {folder} 127.0.0.1:{port}/library/app:1
            skopeo:  skopeo copy --dest-cert-dir {folder} docker-archive:app.tar docker://127.0.0.1:{port}/library/app:1
            helm:    helm push --ca-file {authority} app-1.0.0.tgz oci://127.0.0.1:{port}/charts
            curl:    curl --cacert {authority} https://127.0.0.1:{port}/v2/_catalog

            """;
    }
}

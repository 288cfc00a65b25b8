using CapiRegistryHook.Content.Mirroring;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Delivery.Targets;

/// <summary>Any registry over TLS, in no relation to a cluster.</summary>
public static class OutsideRegistry
{
    /// <summary>The registry at a host; nothing is sent yet. Content lies there by its path alone.</summary>
    /// <param name="host">Host and, where it is not 443, port.</param>
    /// <param name="trustPem">The authorities that verify it; null for those of the machine.</param>
    /// <param name="logins">Where logins come from.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="DeliveryException">The host is malformed.</exception>
    public static RegistryTarget Open(string host, string? trustPem, IRegistryLogins logins, TimeProvider time)
    {
        if (!ReferenceGrammar.IsRegistry(host))
            throw new DeliveryException($"{FieldText.Quote(host)} is not a registry: write host or host:port, without a path.");
        var options = new RegistryOptions { Logins = logins, LoginName = host, Time = time };
        var replica = new RegistryReplica(host, RegistryTransport.AddressOf(host), trustPem, options);
        return new RegistryTarget(host, MirrorRule.ByPath, [replica], primary: 0) { TrustPem = trustPem, PullAddress = host };
    }
}

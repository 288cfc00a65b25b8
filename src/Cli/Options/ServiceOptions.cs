using CapiRegistryHook.Hooks;
using CapiRegistryHook.Hooks.Serving;

namespace CapiRegistryHook.Cli.Options;

/// <summary>Reads all options of the service.</summary>
internal static class ServiceOptions
{
    /// <summary>Every option of <c>serve</c>; what can't be used is one of the reader's problems.</summary>
    public static HookHostOptions Read(OptionReader reader)
    {
        var registry = RegistryOptionGroup.Read(reader);
        var own = CertificateOptionGroup.ReadSelfManaged(reader, registry.HookNamespace);
        var webhook = CertificateOptionGroup.ReadWebhook(reader);
        return new HookHostOptions(
            registry,
            new RegistryValuesFile(RegistryOptionGroup.ReadValuesPath(reader), registry.Defaults),
            ListenOptionGroup.Read(reader, CertificateOptionGroup.ReadFiles(reader, own is null)),
            own is null ? null : own with { Webhook = webhook?.Webhook ?? "" },
            webhook,
            ReconcilerOptionGroup.Read(reader),
            ManagementOptionGroup.Read(reader),
            LogOptionGroup.Read(reader));
    }
}

using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Hooks.Serving;

/// <summary>
/// The file with the admin's values for the registry chart. It is read again when it changes: the kubelet replaces a mounted
/// ConfigMap, and a restart would be a moment in which Cluster API can't call. Values that can't be used are left aside.
/// </summary>
/// <param name="Path">Where it is; null when the admin has none.</param>
/// <param name="Values">Takes what the file says.</param>
public sealed record RegistryValuesFile(string? Path, RegistryDefaults Values) : IReloadable
{
    string IReloadable.Name => "The former content of the file with values for the registry chart";

    /// <summary>Reads the file; true when it said something else than before.</summary>
    /// <exception cref="RegistryDefaultsException">It can't be read or used; the former values stay.</exception>
    public bool Read()
    {
        if (Path is null)
            return false;
        try
        {
            using var reader = File.OpenText(Path);
            return Values.Replace(BoundedYaml.ReadText(reader));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new RegistryDefaultsException("It can't be read: it must be a file of at most 1 Mi characters.", exception);
        }
    }

    Task<string?> IReloadable.ReloadAsync(CancellationToken cancellationToken) =>
        Task.FromResult(Read() ? $"The values for the registry chart were reloaded from {Path}" : null);
}

using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Hooks.Serving;

/// <summary>
/// The file with the admin's values for the registry chart. It is read again when it changes: the kubelet replaces a mounted
/// ConfigMap, and a restart would be a moment in which Cluster API can't call. Values that can't be used are left aside.
/// </summary>
/// <param name="Path">Where it is; null when the admin has none.</param>
/// <param name="Values">Takes what the file says.</param>
public sealed record RegistryValuesFile(string? Path, RegistryDefaults Values)
{
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
}

/// <summary>Reads the file with the admin's values again while the service runs.</summary>
internal sealed partial class RegistryValuesReload(
    RegistryValuesFile file, TimeProvider time, ILogger<RegistryValuesReload> logger) : BackgroundService
{
    /// <summary>The kubelet takes up to a minute to bring a new ConfigMap into a pod; ten seconds more do not matter.</summary>
    public static readonly TimeSpan CheckInterval = TimeSpan.FromSeconds(10);

    private string? _complaint;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (file.Path is null)
            return;
        using var timer = new PeriodicTimer(CheckInterval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
                Reload();
        }
        catch (OperationCanceledException)
        {
            // The host stops; also when it could not start, and then it would log this as a fault of its own.
        }
    }

    private void Reload()
    {
        try
        {
            if (file.Read())
                LogReloaded(file.Path!);
            _complaint = null;
        }
        catch (RegistryDefaultsException exception)
        {
            if (_complaint != exception.Message)
                LogKept(file.Path!, exception.Message);
            _complaint = exception.Message;
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The values for the registry chart were read again from {File}")]
    private partial void LogReloaded(string file);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The former values for the registry chart stay; {File} can't be used. {Reason}")]
    private partial void LogKept(string file, string reason);
}

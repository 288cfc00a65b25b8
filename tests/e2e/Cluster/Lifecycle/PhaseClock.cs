using System.Globalization;

namespace CapiRegistryHook.EndToEnd.Tests.Cluster.Lifecycle;

/// <summary>Shows how long each phase of a long test took: on screen, and in its report.</summary>
internal sealed class PhaseClock(ITestOutputHelper output)
{
    private long _since = TimeProvider.System.GetTimestamp();

    public void Done(string phase)
    {
        var line =
            $"phase: {phase}: {TimeProvider.System.GetElapsedTime(_since).TotalSeconds.ToString("F1", CultureInfo.InvariantCulture)} s";
        _since = TimeProvider.System.GetTimestamp();
        output.WriteLine(line);
        Console.Error.WriteLine(line);
    }
}

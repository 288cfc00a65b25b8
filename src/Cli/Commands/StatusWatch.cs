using CapiRegistryHook.Registry.Reconciliation;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>Prints a text again and again: in its place on a terminal, and elsewhere whenever it has changed.</summary>
/// <param name="output">Where the text goes.</param>
/// <param name="errors">Where it goes that the text can't be read now.</param>
/// <param name="isTerminal">Whether the output can be cleared.</param>
/// <param name="time">The clock.</param>
internal sealed class StatusWatch(TextWriter output, TextWriter errors, bool isTerminal, TimeProvider time)
{
    /// <summary>From the end of one read to the next: the management cluster is asked for lists.</summary>
    internal static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    // To the upper left corner, and clear the screen.
    private const string Home = "\u001b[H\u001b[2J";

    /// <summary>Prints until it is cancelled. An API server that can't be read for a while ends nothing.</summary>
    /// <param name="read">Reads the text; null when what it is about is not there.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task RunAsync(Func<CancellationToken, Task<string?>> read, CancellationToken cancellationToken)
    {
        string? printed = null;
        while (true)
        {
            var text = await TryReadAsync(read, cancellationToken);
            if (text is not null && text != printed)
            {
                await output.WriteAsync(isTerminal ? Home + text : printed is null ? text : "\n" + text);
                await output.FlushAsync(cancellationToken);
                printed = text;
            }

            await Task.Delay(Interval, time, cancellationToken);
        }
    }

    private async Task<string?> TryReadAsync(Func<CancellationToken, Task<string?>> read, CancellationToken cancellationToken)
    {
        try
        {
            return await read(cancellationToken) ?? "The Cluster is not there.\n";
        }
        catch (FleetStatusException exception)
        {
            await errors.WriteLineAsync(exception.Message);
            return null;
        }
    }
}

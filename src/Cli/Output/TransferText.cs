using CapiRegistryHook.Content.Sources;

namespace CapiRegistryHook.Cli.Output;

/// <summary>A transfer in one line.</summary>
internal static class TransferText
{
    private const int BarWidth = 24;
    private const int NarrowestBar = 100;

    /// <summary>A line for a log: what is done of what, the rate, and the time left.</summary>
    public static string Line(string label, TransferProgress progress, TransferRate rate) => $"{label}: {Figures(progress, rate)}";

    /// <summary>A line for a terminal, cut to its width. A narrow one gets no bar.</summary>
    /// <param name="label">What is transferred.</param>
    /// <param name="progress">How far it is.</param>
    /// <param name="rate">Its rate.</param>
    /// <param name="width">Columns of the terminal.</param>
    public static string Bar(string label, TransferProgress progress, TransferRate rate, int width)
    {
        var done = Fraction(progress);
        var filled = (int)(done * BarWidth);
        var bar = width < NarrowestBar ? "" : $"[{new string('#', filled)}{new string('.', BarWidth - filled)}] ";
        var text = $"{label} {bar}{(int)(done * 100),3}%  {Figures(progress, rate)}";
        // The last column stays free: some terminals break the line when it is written.
        return text.Length < width ? text : text[..Math.Max(0, width - 1)];
    }

    private static double Fraction(TransferProgress progress) => progress.Bytes > 0
        ? Math.Clamp((double)(progress.BytesSent + progress.BytesSkipped) / progress.Bytes, 0, 1)
        : progress.Blobs > 0 ? (double)progress.BlobsDone / progress.Blobs : 0;

    private static string Figures(TransferProgress progress, TransferRate rate)
    {
        var done = Math.Min(progress.Bytes, progress.BytesSent + progress.BytesSkipped);
        var text = $"{progress.BlobsDone}/{progress.Blobs} blobs, {ByteText.Of(done)} of {ByteText.Of(progress.Bytes)}";
        if (rate.BytesPerSecond >= 1)
            text += $", {ByteText.Of(rate.BytesPerSecond)}/s";
        return rate.TimeLeft(progress) is { TotalSeconds: >= 1 } left ? $"{text}, {ByteText.Of(left)} left" : text;
    }
}

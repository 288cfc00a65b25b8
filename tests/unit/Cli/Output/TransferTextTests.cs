using CapiRegistryHook.Cli.Output;
using CapiRegistryHook.Content.Sources;

namespace CapiRegistryHook.Unit.Tests.Cli.Output;

public sealed class TransferTextTests
{
    private const long MiB = 1 << 20;

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(999, "999 B")]
    [InlineData(1000, "1.0 KiB")]
    [InlineData(1536, "1.5 KiB")]
    [InlineData(20L << 30, "20.0 GiB")]
    public void Of_Bytes_HaveAUnit(long bytes, string expected) => Assert.Equal(expected, ByteText.Of(bytes));

    [Theory]
    [InlineData(0, "0s")]
    [InlineData(59, "59s")]
    [InlineData(185, "3m05s")]
    [InlineData(3720, "1h02m")]
    [InlineData(180_000, "50h00m")]
    public void Of_Duration_HasTwoUnitsAtMost(int seconds, string expected) =>
        Assert.Equal(expected, ByteText.Of(TimeSpan.FromSeconds(seconds)));

    [Fact]
    public void Line_RunningTransfer_HasRateAndTimeLeft()
    {
        var rate = new TransferRate();
        rate.Sample(TimeSpan.Zero, 0);
        rate.Sample(TimeSpan.FromSeconds(5), 50 * MiB);

        var line = TransferText.Line("lab/one", new TransferProgress(30, 12, 300 * MiB, 50 * MiB, 50 * MiB), rate);

        Assert.Equal("lab/one: 12/30 blobs, 100.0 MiB of 300.0 MiB, 10.0 MiB/s, 20s left", line);
    }

    [Fact]
    public void Line_ResentBytes_NeverExceedTheWhole() =>
        Assert.Equal(
            "a: 1/1 blobs, 1.0 MiB of 1.0 MiB", TransferText.Line("a", new TransferProgress(1, 1, MiB, 3 * MiB, 0), new TransferRate()));

    [Fact]
    public void Rate_AfterTheWindow_ForgetsTheBeginning()
    {
        var rate = new TransferRate();
        rate.Sample(TimeSpan.Zero, 0);
        rate.Sample(TimeSpan.FromSeconds(10), 1000);
        rate.Sample(TimeSpan.FromSeconds(20), 1000);

        Assert.Equal(0, rate.BytesPerSecond);
        Assert.Null(rate.TimeLeft(new TransferProgress(1, 0, 2000, 1000, 0)));
    }

    [Theory]
    [InlineData(20)]
    [InlineData(80)]
    [InlineData(120)]
    public void Bar_AnyWidth_LeavesTheLastColumnFree(int width)
    {
        var bar = TransferText.Bar("a/very-long-name-of-a-cluster", new TransferProgress(3, 1, 4 * MiB, MiB, 0), new TransferRate(), width);

        Assert.True(bar.Length < width, bar);
        Assert.Equal(width >= 100, bar.Contains("[######..", StringComparison.Ordinal));
    }

    [Fact]
    public void Table_HostileCell_CannotCommandTheTerminal() =>
        Assert.Equal("NAME   SIZE\na?[2J  1 B\n", TextTable.Write(["NAME", "SIZE"], [["a\e[2J", "1 B"]]));
}

namespace CapiRegistryHook.Unit.Tests.Fuzz;

/// <summary>
/// The fuzz tests of one kind of input. The unit tier runs a share of the inputs; the soak tier derives from each class and runs all.
/// </summary>
public abstract class FuzzTests(ITestOutputHelper output)
{
    /// <summary>The number of inputs is divided by this, 1 or more.</summary>
    protected virtual int Divisor => 20;

    private protected void Run(Fuzzer fuzzer, int inputs, Func<byte[], bool> accepts) => fuzzer.Run(inputs / Divisor, accepts, output);
}

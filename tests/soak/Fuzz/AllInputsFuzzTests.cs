using CapiRegistryHook.Unit.Tests.Fuzz;

namespace CapiRegistryHook.Soak.Tests.Fuzz;

// The fuzz tests of the unit tier with all of their inputs.
public sealed class AllAddressFuzzTests(ITestOutputHelper output) : AddressFuzzTests(output)
{
    protected override int Divisor => 1;
}

public sealed class AllContentFuzzTests(ITestOutputHelper output) : ContentFuzzTests(output)
{
    protected override int Divisor => 1;
}

public sealed class AllHookBodyFuzzTests(ITestOutputHelper output) : HookBodyFuzzTests(output)
{
    protected override int Divisor => 1;
}

public sealed class AllKubeconfigFuzzTests(ITestOutputHelper output) : KubeconfigFuzzTests(output)
{
    protected override int Divisor => 1;
}

public sealed class AllPemFuzzTests(ITestOutputHelper output) : PemFuzzTests(output)
{
    protected override int Divisor => 1;
}

public sealed class AllSettingFileFuzzTests(ITestOutputHelper output) : SettingFileFuzzTests(output)
{
    protected override int Divisor => 1;
}

public sealed class AllSettingsFuzzTests(ITestOutputHelper output) : SettingsFuzzTests(output)
{
    protected override int Divisor => 1;
}

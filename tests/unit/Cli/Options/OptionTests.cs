using System.Collections;
using CapiRegistryHook.Cli.Options;
using CapiRegistryHook.Hooks.Serving;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Unit.Tests.Cli.Options;

public sealed class OptionTests : IDisposable
{
    private static readonly IReadOnlyList<ServiceOption> All = OptionList.All;

    private static readonly OptionKind<TimeSpan> UpToADay = OptionKind.Duration(TimeSpan.Zero, TimeSpan.FromDays(1));
    private static readonly ListenOptions Listen = new() { CertificateFile = "", KeyFile = "" };

    private readonly string _folder = Directory.CreateTempSubdirectory("options-").FullName;
    private readonly List<string> _problems = [];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Merge_FlagEnvironmentFile_WinInThisOrder()
    {
        var file = Write("rootSecretName: from-file\nchartName: from-file\nchartVersion: from-file\n");
        var environment = new Hashtable { ["REGISTRY_HOOK_CHART_NAME"] = "from-environment",
            ["REGISTRY_HOOK_CHART_VERSION"] = "from-environment", ["PATH"] = "/bin" };
        var flags = new Dictionary<string, string> { ["config"] = file, ["chart-version"] = "from-flag" };

        var set = OptionSources.Merge(flags, environment, All, _problems);

        Assert.Empty(_problems);
        Assert.Equal(new SourcedText("from-file", $"rootSecretName in {file}"), set["root-secret-name"]);
        Assert.Equal(new SourcedText("from-environment", "REGISTRY_HOOK_CHART_NAME"), set["chart-name"]);
        Assert.Equal(new SourcedText("from-flag", "--chart-version"), set["chart-version"]);
    }

    [Fact]
    public void Merge_FileNamedByEnvironment_IsRead()
    {
        var file = Write("rootSecretName: from-file\n");

        var set = OptionSources.Merge(new Dictionary<string, string>(), new Hashtable { ["REGISTRY_HOOK_CONFIG"] = file }, All, _problems);

        Assert.Equal("from-file", set["root-secret-name"].Value);
    }

    [Fact]
    public void Merge_UnknownKeys_AreAllNamed()
    {
        var file = Write("rootSecretNam: x\nchartName: [a]\n");

        OptionSources.Merge(
            new Dictionary<string, string> { ["config"] = file }, new Hashtable { ["REGISTRY_HOOK_CHART_NAMES"] = "x" }, All, _problems);

        Assert.Equal(3, _problems.Count);
        Assert.Contains(_problems, problem => problem.Contains("REGISTRY_HOOK_CHART_NAMES", StringComparison.Ordinal));
        Assert.Contains(_problems, problem => problem.Contains("rootSecretNam in", StringComparison.Ordinal));
        Assert.Contains(_problems, problem => problem.Contains("chartName in", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("- a\n- b\n")]
    [InlineData("a: [")]
    [InlineData("a: 1\n---\nb: 2\n")]
    [InlineData("text")]
    public void Merge_NoOptionsFile_IsRefused(string text)
    {
        OptionSources.Merge(new Dictionary<string, string> { ["config"] = Write(text) }, new Hashtable(), All, _problems);

        Assert.Contains("can't be read", Assert.Single(_problems), StringComparison.Ordinal);
    }

    [Fact]
    public void Merge_FileMissing_IsRefused()
    {
        OptionSources.Merge(new Dictionary<string, string> { ["config"] = "/nowhere/options.yaml" }, new Hashtable(), All, _problems);

        Assert.Contains("/nowhere/options.yaml", Assert.Single(_problems), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0s", 0)]
    [InlineData("90s", 90)]
    [InlineData("10m", 600)]
    [InlineData("1h30m", 5400)]
    [InlineData("1h0m1s", 3601)]
    public void Duration_AsKubernetesWritesIt_IsRead(string text, int seconds)
    {
        Assert.True(Reader("drain-delay", text).TryRead("drain-delay", UpToADay, out var duration));

        Assert.Equal(TimeSpan.FromSeconds(seconds), duration);
        Assert.Empty(_problems);
    }

    [Theory]
    [InlineData(0, "0s")]
    [InlineData(90, "1m30s")]
    [InlineData(600, "10m")]
    [InlineData(5400, "1h30m")]
    [InlineData(2592000, "720h")]
    public void Duration_AsADefault_IsWrittenShort(int seconds, string text) =>
        Assert.Equal(text, UpToADay.Write(TimeSpan.FromSeconds(seconds)));

    [Theory]
    [InlineData("")]
    [InlineData("5")]
    [InlineData("s")]
    [InlineData("-5s")]
    [InlineData("1m1h")]
    [InlineData("1.5h")]
    [InlineData("5s ")]
    [InlineData("9999999s")]
    [InlineData("25h")]
    public void Duration_AnythingElse_IsRefused(string text)
    {
        Assert.False(Reader("drain-delay", text).TryRead("drain-delay", UpToADay, out _));

        Assert.Equal(
            $"--drain-delay has the value \"{text}\"; use a duration like 30s or 10m, 0s to 24h.", Assert.Single(_problems));
    }

    [Theory]
    [InlineData("1", 1)]
    [InlineData("64", 64)]
    public void Number_WithinItsBounds_IsRead(string text, int number)
    {
        Assert.True(Reader("n", text).TryRead("n", OptionKind.Number(1, 64), out var value));

        Assert.Equal(number, value);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("65")]
    [InlineData("+5")]
    [InlineData("5.0")]
    public void Number_AnythingElse_IsRefused(string text)
    {
        Assert.False(Reader("n", text).TryRead("n", OptionKind.Number(1, 64), out _));

        Assert.Equal($"--n has the value \"{text}\"; use a number from 1 to 64.", Assert.Single(_problems));
    }

    [Theory]
    [InlineData("keep")]
    [InlineData("0")]
    [InlineData("Keep,Delete")]
    [InlineData("")]
    public void Choice_AnythingButItsWords_IsRefused(string text)
    {
        Assert.False(Reader("n", text).TryRead("n", OptionKind.Choice<DisabledData>(), out _));

        Assert.Equal($"--n has the value \"{text}\"; use one of Keep, Delete.", Assert.Single(_problems));
    }

    [Theory]
    [InlineData("0.0.0.0:9443")]
    [InlineData("[::]:9443")]
    [InlineData("127.0.0.1:0")]
    public void Endpoint_AddressAndPort_IsRead(string text)
    {
        Assert.True(Reader("listen", text).TryRead("listen", OptionKind.Endpoint, out var endpoint));

        Assert.Equal(text, endpoint.ToString());
    }

    [Theory]
    [InlineData("9443")]
    [InlineData("localhost:9443")]
    [InlineData("0.0.0.0:99999")]
    [InlineData("0.0.0.0")]
    [InlineData("")]
    public void Endpoint_AnythingElse_IsRefused(string text)
    {
        Assert.False(Reader("listen", text).TryRead("listen", OptionKind.Endpoint, out _));

        Assert.Single(_problems);
    }

    [Fact]
    public void OptionalEndpoint_NotSet_IsTheDefault() =>
        Assert.Equal(8080, ListenOptionGroup.Read(Reader("unused", ""), Listen).Metrics?.Port);

    [Fact]
    public void OptionalEndpoint_Empty_IsNone()
    {
        Assert.Null(ListenOptionGroup.Read(Reader("metrics-listen", ""), Listen).Metrics);
        Assert.Empty(_problems);
    }

    [Fact]
    public void Read_BothListenersOnOneAddress_IsRefused()
    {
        var set = new Dictionary<string, SourcedText> { ["listen"] = new("0.0.0.0:9000", "--listen"),
            ["metrics-listen"] = new("0.0.0.0:9000", "METRICS") };

        ServiceOptions.Read(new OptionReader(set, _problems));

        Assert.Contains("METRICS has the value \"0.0.0.0:9000\", which --listen has too; use another port.", _problems);
    }

    [Fact]
    public void ReadRegistry_NothingSet_UsesTheOwnChartWithItsCa()
    {
        var options = RegistryOptionGroup.Read(Reader("hook-namespace", "hooks"));

        Assert.Empty(_problems);
        Assert.Equal("oci://capi-registry-hook.hooks.svc:443/charts", options.ChartRepository);
        Assert.Equal("hooks/capi-registry-hook-tls", options.ChartCaSecret);
    }

    [Fact]
    public void ReadRegistry_OtherRepository_HasNoCaUnlessGiven() =>
        Assert.Equal("", RegistryOptionGroup.Read(Reader("chart-repository", "https://charts.example.com")).ChartCaSecret);

    [Fact]
    public void Registry_EveryPropertyOfTheOptions_CanBeSet() =>
        Assert.Equal(
            typeof(RegistryOptions).GetProperties()
                .Where(property => property.CanWrite).Select(property => property.Name == nameof(RegistryOptions.Defaults)
                ? "registry-values-file" : ServiceOption.NameOf(property.Name)).Order(StringComparer.Ordinal),
            RegistryOptionGroup.Options.Append(RegistryOptionGroup.Namespaces)
                .Select(option => option.Name).Order(StringComparer.Ordinal));

    [Fact]
    public void All_EveryOption_IsDeclaredOnceWithADefault()
    {
        Assert.Equal(All.Count, All.Select(option => option.Name).Distinct(StringComparer.Ordinal).Count());
        Assert.Empty(All.Where(option => option.Default.Length == 0).Select(option => option.Name));
        Assert.All(All, option => Assert.EndsWith(".", option.Description, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("capi", "capi")]
    [InlineData(" b , a,b ", "b|a")]
    [InlineData("", "")]
    public void List_TextsWithCommas_AreTheListOfThem(string text, string wanted)
    {
        Assert.True(Reader("tls-names", text).TryRead("tls-names", OptionKind.List, out var names));

        Assert.Equal(wanted, string.Join('|', names));
        Assert.Empty(_problems);
    }

    [Fact]
    public void List_OnlyCommas_IsRefused()
    {
        Reader("client-names", " , ").TryRead("client-names", OptionKind.List, out _);

        Assert.Contains("use one or more names", Assert.Single(_problems), StringComparison.Ordinal);
    }

    private OptionReader Reader(string name, string value) =>
        new(new Dictionary<string, SourcedText> { [name] = new(value, "--" + name) }, _problems);

    private string Write(string text)
    {
        var path = Path.Combine(_folder, "options.yaml");
        File.WriteAllText(path, text);
        return path;
    }
}

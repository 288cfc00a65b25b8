using System.Collections;
using System.Net;
using CapiRegistryHook.Cli.Options;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Unit.Tests.Hooks;

public sealed class OptionTests : IDisposable
{
    private static readonly IReadOnlyList<ServiceOption> All = [.. ServiceOptionList.Registry, .. ServiceOptionList.Serve];

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
        Assert.Equal(
            TimeSpan.FromSeconds(seconds), Reader("drain-delay", text).Duration("drain-delay", TimeSpan.FromDays(9), TimeSpan.FromDays(1)));
        Assert.Empty(_problems);
    }

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
        Reader("drain-delay", text).Duration("drain-delay", TimeSpan.Zero, TimeSpan.FromDays(1));

        Assert.Contains("--drain-delay", Assert.Single(_problems), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0.0.0.0:9443")]
    [InlineData("[::]:9443")]
    [InlineData("127.0.0.1:0")]
    public void Endpoint_AddressAndPort_IsRead(string text) =>
        Assert.Equal(text, Reader("listen", text).Endpoint("listen", new IPEndPoint(0, 1)).ToString());

    [Theory]
    [InlineData("9443")]
    [InlineData("localhost:9443")]
    [InlineData("0.0.0.0:99999")]
    [InlineData("0.0.0.0")]
    public void Endpoint_AnythingElse_IsRefused(string text)
    {
        Reader("listen", text).Endpoint("listen", new IPEndPoint(0, 1));

        Assert.Single(_problems);
    }

    [Fact]
    public void OptionalEndpoint_NotSet_IsTheFallback() =>
        Assert.Equal(1, new OptionReader(new Dictionary<string, SourcedText>(), _problems).OptionalEndpoint(
            "metrics-listen", new IPEndPoint(0, 1))?.Port);

    [Fact]
    public void OptionalEndpoint_Empty_IsNone()
    {
        Assert.Null(Reader("metrics-listen", "").OptionalEndpoint("metrics-listen", new IPEndPoint(0, 1)));
        Assert.Empty(_problems);
    }

    [Fact]
    public void Read_BothListenersOnOneAddress_IsRefused()
    {
        var set = new Dictionary<string, SourcedText> { ["listen"] = new("0.0.0.0:9000", "--listen"),
            ["metrics-listen"] = new("0.0.0.0:9000", "METRICS") };

        ServiceOptions.Read(new OptionReader(set, _problems), _problems);

        Assert.Contains("METRICS has the value \"0.0.0.0:9000\", which --listen has too; use another port.", _problems);
    }

    [Fact]
    public void ReadRegistry_NothingSet_UsesTheOwnChartWithItsCa()
    {
        var options = ServiceOptions.ReadRegistry(
            new OptionReader(new Dictionary<string, SourcedText> { ["hook-namespace"] = new("hooks", "x") }, _problems), _problems);

        Assert.Empty(_problems);
        Assert.Equal("oci://capi-registry-hook.hooks.svc:443/charts", options.ChartRepository);
        Assert.Equal("hooks/capi-registry-hook-tls", options.ChartCaSecret);
    }

    [Fact]
    public void ReadRegistry_OtherRepository_HasNoCaUnlessGiven()
    {
        var set = new Dictionary<string, SourcedText> { ["chart-repository"] = new("https://charts.example.com", "x") };

        Assert.Equal("", ServiceOptions.ReadRegistry(new OptionReader(set, _problems), _problems).ChartCaSecret);
    }

    [Fact]
    public void Registry_EveryPropertyOfTheOptions_CanBeSet() =>
        Assert.Equal(
            typeof(RegistryOptions).GetProperties()
                .Where(property => property.CanWrite).Select(property => property.Name == nameof(RegistryOptions.Defaults)
                ? "registry-values-file" : ServiceOption.NameOf(property.Name)).Order(StringComparer.Ordinal),
            ServiceOptionList.Registry.Select(option => option.Name).Order(StringComparer.Ordinal));

    [Theory]
    [InlineData("capi", "capi")]
    [InlineData(" a , b,a ", "a|b")]
    [InlineData("", "")]
    public void Names_TextsWithCommas_AreTheListOfThem(string text, string wanted)
    {
        Assert.Equal(wanted, string.Join('|', Reader("client-names", text).Names("client-names").Order(StringComparer.Ordinal)));
        Assert.Empty(_problems);
    }

    [Fact]
    public void Names_OnlyCommas_AreRefused()
    {
        Reader("client-names", " , ").Names("client-names");

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

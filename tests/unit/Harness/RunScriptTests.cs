using CapiRegistryHook.Harness;

namespace CapiRegistryHook.Unit.Tests.Harness;

/// <summary>What tests/run.sh makes of the reports of a tier's runs. A stand-in for dotnet writes them.</summary>
public sealed class RunScriptTests : IAsyncDisposable
{
    private const string Dotnet = """
        #!/bin/sh
        [ "$1" = run ] || exit 0
        echo "$@" >>calls
        report=reports/$(wc -l <calls)
        [ -f "$report" ] || exit 1
        while [ "$1" != -xml ]; do shift; done
        cp "$report" "$2"
        ! grep -q 'result="Fail"' "$report"
        """;

    private readonly ScratchFolder _folder = ScratchFolder.Create("run-");

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public RunScriptTests()
    {
        _folder.Write("tests/run.sh", File.ReadAllText(Path.Combine(RepositoryRoot.Find(), "tests", "run.sh")));
        _folder.Write("tests/browser.sh", "");
        WriteProgram("dotnet", Dotnet);
        WriteProgram("make", "#!/bin/sh\n");
    }

    public ValueTask DisposeAsync() => _folder.DisposeAsync();

    [Theory]
    [InlineData("e2e", "one=Pass two=Pass", "", "2 passed, 0 failed, 0 skipped")]
    [InlineData("e2e", "one=Pass two=Fail", "two=Pass", "UNSTABLE T.two: first two", "2 passed, 0 failed, 0 skipped")]
    [InlineData("e2e", "one=Fail two=Fail", "one=Pass two=Fail",
        "UNSTABLE T.one: first one", "FAILED T.two: first two", "1 passed, 1 failed, 0 skipped")]
    [InlineData("e2e", "one=Fail two=Pass", "one=Pass two=Fail",
        "UNSTABLE T.one: first one", "UNSTABLE T.two: second two", "2 passed, 0 failed, 0 skipped")]
    [InlineData("e2e", "one=Pass two=Fail", "", "FAILED T.two: first two", "1 passed, 1 failed, 0 skipped")]
    [InlineData("unit", "one=Pass two=Fail", "two=Pass", "FAILED T.two: first two", "1 passed, 1 failed, 0 skipped")]
    [InlineData("e2e", "a=Fail b=Fail c=Fail d=Fail e=Fail f=Fail", "a=Pass",
        "FAILED T.a: first a", "FAILED T.b: first b", "FAILED T.c: first c", "FAILED T.d: first d", "FAILED T.e: first e",
        "FAILED T.f: first f", "0 passed, 6 failed, 0 skipped")]
    [InlineData("e2e", "one=Pass errors=1 two=Fail", "two=Pass", "FAILED T.two: first two", "1 passed, 2 failed, 0 skipped")]
    [InlineData("e2e", "one=Pass two=Skip", "", "1 passed, 1 failed, 1 skipped")]
    [InlineData("e2e", "", "", "0 passed, 1 failed, 0 skipped")]
    public async Task Run_Reports_AreAddedUp(string tier, string first, string second, params string[] lines)
    {
        WriteReport(1, "first", first);
        WriteReport(2, "second", second);

        var run = await RunAsync(tier);

        var said = run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(lines, said.Where(line => line.StartsWith("FAILED", StringComparison.Ordinal)
            || line.StartsWith("UNSTABLE", StringComparison.Ordinal) || line == said[^1]));
        Assert.Equal(lines[^1].Contains(" 0 failed", StringComparison.Ordinal), run.Succeeded);
    }

    [Fact]
    public async Task Run_TestsFailed_AreRunOnceMoreAndAlone()
    {
        WriteReport(1, "first", "one=Fail two=Pass three=Fail");
        WriteReport(2, "second", "one=Fail three=Fail");
        WriteReport(3, "third", "one=Pass three=Pass");

        Assert.False((await RunAsync("e2e")).Succeeded);

        var calls = await File.ReadAllLinesAsync(_folder["calls"], CancellationToken);
        Assert.Equal(2, calls.Length);
        Assert.EndsWith("-parallel none -method N.T.one -method N.T.three", calls[1], StringComparison.Ordinal);
        Assert.DoesNotContain("-method", calls[0], StringComparison.Ordinal);
    }

    private Task<CommandResult> RunAsync(string tier) => OutsideCommand.RunAsync(
        "env", [$"PATH={_folder["bin"]}:{Environment.GetEnvironmentVariable("PATH")}", "bash", _folder["tests/run.sh"], tier],
        CancellationToken);

    /// <summary>A report like those of the runner; none without results.</summary>
    private void WriteReport(int run, string name, string results)
    {
        if (results.Length == 0)
            return;
        var tests = results.Split(' ').Select(result => result.Split('=')).ToLookup(pair => pair[0] == "errors");
        int Count(string result) => tests[false].Count(pair => pair[1] == result);
        _folder.Write($"reports/{run}", $"""
            <?xml version="1.0" encoding="utf-8"?><assemblies><assembly name="/x.dll" errors="{tests[true].Count()}" failed="{Count("Fail")}"
            passed="{Count("Pass")}" skipped="{Count("Skip")}" total="9"><collection name="c" failed="7" passed="7">{string.Concat(
                tests[false].Select(pair => $"""
                    <test id="1" name="T.{pair[0]}" result="{pair[1]}" time="1.5" type="N.T" method="{pair[0]}">
                      <failure><message><![CDATA[{name} {pair[0]}]]></message><stack-trace><![CDATA[at T]]></stack-trace></failure>
                    </test>
                    """))}</collection></assembly></assemblies>
            """.ReplaceLineEndings(" "));
    }

    private void WriteProgram(string name, string text)
    {
        var path = _folder.Write($"bin/{name}", text);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}

using System.Text.Json.Nodes;
using CapiRegistryHook.Hooks.Operations;
using CapiRegistryHook.Unit.Tests.Kubernetes;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace CapiRegistryHook.Unit.Tests.Hooks.Operations;

/// <summary>What a line of the log looks like.</summary>
public sealed class LogFormatterTests
{
    private static readonly ManualTime Time = new();

    private readonly LoggerExternalScopeProvider _scopes = new();

    [Fact]
    public void Json_Entry_IsOneObjectWithTheFieldsOfTheMessageByName()
    {
        using var call = _scopes.Push(Fields(("Hook", "BeforeClusterUpgrade"), ("Cluster", "team-a/c1"), ("{OriginalFormat}", "{Hook}")));
        using var request = _scopes.Push(Fields(("ConnectionId", "0HN"), ("RequestPath", "/hooks")));

        Assert.Equal(
            """{"time":"2026-01-02T03:04:05.000Z","level":"info","message":"Answered","logger":"Test.Logger","status":"Success","retryAfterSeconds":15,"isFirst":true,"nothing":null,"hook":"BeforeClusterUpgrade","cluster":"team-a/c1"}"""
                + "\n",
            Write(new JsonLogFormatter(Time), "Answered", null,
                ("Status", "Success"), ("RetryAfterSeconds", 15), ("IsFirst", true), ("Nothing", null), ("{OriginalFormat}", "Answered")));
    }

    /// <summary>A reconcile says so in the message and in the scope; each name comes once.</summary>
    [Fact]
    public void Json_FieldTwiceOrWithAFixedName_ComesOnce()
    {
        using var reconcile = _scopes.Push(Fields(("Cluster", "team-a/c1"), ("ReconcileID", "7d3f")));

        var line = Write(new JsonLogFormatter(Time), "text", null, ("Cluster", "team-b/c2"), ("Message", "other"), ("Level", 9));

        Assert.Equal(
            """{"time":"2026-01-02T03:04:05.000Z","level":"info","message":"text","logger":"Test.Logger","cluster":"team-b/c2","reconcileID":"7d3f"}""",
            line.TrimEnd('\n'));
    }

    [Fact]
    public void Json_HostileTextAndFault_StayOnOneLine()
    {
        var line = Write(new JsonLogFormatter(Time), "a\nb\u001b[2J\u2028\"", new InvalidOperationException("x\ny"), ("Value", "c\r\n{}"));

        Assert.Equal(1, line.Count(character => character == '\n'));
        Assert.DoesNotContain('\u001b', line);
        var json = JsonNode.Parse(line)!;
        Assert.Equal("a\nb\u001b[2J\u2028\"", (string?)json["message"]);
        Assert.StartsWith("System.InvalidOperationException: x\ny", (string?)json["exception"], StringComparison.Ordinal);
    }

    [Fact]
    public void Json_EndlessText_IsCut() =>
        Assert.True(Write(new JsonLogFormatter(Time), new string('x', 100_000), null, ("Value", new string('y', 100_000))).Length < 40_000);

    [Fact]
    public void Text_Entry_IsALineForPeople()
    {
        var fault = Write(new TextLogFormatter(Time, colors: false), "went\nwrong \u001b[2J", new InvalidOperationException("why"));

        Assert.Equal("03:04:05.000 INFO  went wrong  [2J\nSystem.InvalidOperationException: why\n", fault);
        Assert.Equal("03:04:05.000 INFO  done\n", Write(new TextLogFormatter(Time, colors: true), "done", null));
    }

    private static List<KeyValuePair<string, object?>> Fields(params (string Key, object? Value)[] fields) =>
        [.. fields.Select(field => KeyValuePair.Create(field.Key, field.Value))];

    private string Write(ConsoleFormatter formatter, string message, Exception? fault, params (string Key, object? Value)[] fields)
    {
        using var writer = new StringWriter { NewLine = "\n" };
        var entry = new LogEntry<List<KeyValuePair<string, object?>>>(
            LogLevel.Information, "Test.Logger", new EventId(645071565), Fields(fields), fault, (_, _) => message);
        formatter.Write(entry, _scopes, writer);
        return writer.ToString();
    }
}

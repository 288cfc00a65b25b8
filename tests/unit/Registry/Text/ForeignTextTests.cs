using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Unit.Tests.Registry.Text;

/// <summary>What other programs report, made fit for a condition.</summary>
public sealed class ForeignTextTests
{
    [Theory]
    [InlineData("one\n  two\tthree.", "one two three")]
    [InlineData("uid 8d53b13a-1537-4b39-910e-2aaf6a9bc625 at 0xc000123abc", "uid … at …")]
    [InlineData("at 2026-01-02T03:04:05.678Z after 1m2.5s", "at … after …")]
    [InlineData("read tcp 10.0.0.2:41234->10.0.0.1:6443: refused", "read tcp 10.0.0.2:… refused")]
    [InlineData("GET https://user:p%40ss@registry.test/v2/: 401", "GET https://registry.test/v2/: 401")]
    [InlineData("key -----BEGIN PRIVATE KEY-----\nMIGHAgEA\n-----END PRIVATE KEY----- left", "key (PEM) left")]
    [InlineData("token eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9eyJzdWIiOiIxMjM0NTY3ODkwIn0 was", "token … was")]
    [InlineData("values don't meet the specifications of the schema(s)", "values don't meet the specifications of the schema(s)")]
    [InlineData(null, "")]
    [InlineData(" \n", "")]
    public void Clean_Message_IsOneSteadyLineWithoutSecrets(string? message, string cleaned) =>
        Assert.Equal(cleaned, ForeignText.Clean(message));

    [Fact]
    public void Clean_HostileMessage_IsShortAndPrintable()
    {
        var cleaned = ForeignText.Clean("\u001b[2J\u202e" + string.Concat(Enumerable.Repeat("a b://c@", 100_000)));

        Assert.True(cleaned.Length <= 257, cleaned);
        Assert.DoesNotContain('\u001b', cleaned);
        Assert.DoesNotContain('\u202e', cleaned);
    }
}

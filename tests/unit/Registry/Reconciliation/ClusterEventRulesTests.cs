using System.Text;
using CapiRegistryHook.Registry.Events;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Reconciliation;
using CapiRegistryHook.Registry.Release;
using CapiRegistryHook.Registry.ServerCertificates;

namespace CapiRegistryHook.Unit.Tests.Registry.Reconciliation;

/// <summary>Which Events a reconcile is worth, and which not.</summary>
public sealed class ClusterEventRulesTests
{
    private static readonly ClusterKey Key = new("team-a", "c1");

    private static readonly CertificateRecord Certificate = new(
        "0a", "0123456789abcdef", DateTimeOffset.UnixEpoch, new DateTimeOffset(2028, 2, 3, 0, 0, 0, TimeSpan.Zero), "ECDSA-P256", "digest");

    [Theory]
    [InlineData(ClusterPhase.Invalid, 0, "InvalidVariable")]
    [InlineData(ClusterPhase.Refused, 0, "Refused")]
    [InlineData(ClusterPhase.Unreachable, 9, null)]
    [InlineData(ClusterPhase.Unreachable, 10, "Unreachable")]
    [InlineData(ClusterPhase.Waiting, 9, null)]
    [InlineData(ClusterPhase.Waiting, 10, "NotReady")]
    [InlineData(ClusterPhase.Ready, 60, null)]
    [InlineData(ClusterPhase.Off, 60, null)]
    public void Of_Phase_IsToldWhenItLasts(ClusterPhase phase, int minutes, string? reason) =>
        Assert.Equal(
            reason, ClusterEventRules.Of(new ReconcileResult(Key, phase) { Reason = "Because." }, TimeSpan.FromMinutes(minutes))?.Reason);

    [Fact]
    public void Of_FirstInstallation_TellsIssuedAndInstalled()
    {
        var context = Context(former: null, ("Secret", ChangeVerb.Created, true), ("HelmChartProxy", ChangeVerb.Created, false));

        Assert.Equal(["CertificateIssued", "RegistryInstalled"], ClusterEventRules.Of(context).Select(item => item.Reason));
        Assert.Contains("until 2028-02-03", ClusterEventRules.Of(context).First().Note, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_SecretWritten_IsARenewalOnlyWithAnotherSerial()
    {
        var renewed = Context(
            Certificate with { Serial = "09" }, ("Secret", ChangeVerb.Updated, true), ("HelmChartProxy", ChangeVerb.Updated, false));
        var trust = Context(Certificate, ("Secret", ChangeVerb.Updated, true));

        Assert.Equal(["CertificateRenewed"], ClusterEventRules.Of(renewed).Select(item => item.Reason));
        Assert.Empty(ClusterEventRules.Of(trust));
    }

    [Fact]
    public void Of_LoginAndUploadKey_TellOfARotationAlone()
    {
        var context = Context(Certificate);
        context.Changes.AddRange(
        [
            new Change(ChangeVerb.Created, "Secret", "team-a/c1-registry-addon-login", false, "Because."),
            new Change(ChangeVerb.Created, "Secret", "registry-system/registry-auth", true, "Because."),
            new Change(ChangeVerb.Created, "Secret", "registry-system/registry-http", true, "Because."),
            new Change(ChangeVerb.Updated, "Secret", "team-a/c1-registry-addon-login", false, "A new password was requested."),
        ]);

        var told = Assert.Single(ClusterEventRules.Of(context));

        Assert.Equal(("LoginRotated", "A new password was requested."), (told.Reason, told.Note));
    }

    [Fact]
    public void Of_RemovedOrKept_IsTold()
    {
        Assert.Equal("Disabled", Assert.Single(ClusterEventRules.Of(Context(null, ("HelmChartProxy", ChangeVerb.Deleted, false)))).Reason);
        var kept = Assert.Single(ClusterEventRules.Of(Context(Certificate, ("HelmChartProxy", ChangeVerb.Kept, false))));
        Assert.Equal(("StorageKept", true), (kept.Reason, kept.IsWarning));
    }

    [Theory]
    [InlineData("a", 2000, 1024)]
    [InlineData("ä", 600, 1024)]
    [InlineData("€", 500, 1023)]
    [InlineData("🙂", 300, 1024)]
    [InlineData("€", 341, 1023)]
    public void Create_LongNote_IsCutByBytesAtACharacter(string letter, int count, int bytes)
    {
        var note = string.Concat(Enumerable.Repeat(letter, count));
        var news = new ClusterEvent("Reason", "Action", note, IsWarning: false);

        var created = ClusterEventFactory.Create(Clusters.With(), "x", news, "tests", DateTimeOffset.UnixEpoch);

        Assert.Equal(bytes, Encoding.UTF8.GetByteCount(created.Note!));
        Assert.StartsWith(created.Note!, note, StringComparison.Ordinal);
        Assert.DoesNotContain('\uFFFD', created.Note!);
    }

    private static ReconcileContext Context(CertificateRecord? former, params (string Kind, ChangeVerb Verb, bool OnWorkload)[] changes)
    {
        var context = new ReconcileContext { Cluster = Clusters.With() };
        context.Begin(former);
        context.Certificate = Certificate;
        context.Changes.AddRange(changes.Select(change => new Change(
            change.Verb, change.Kind, change.OnWorkload ? "registry-system/registry-tls" : "team-a/x", change.OnWorkload, "Because.")));
        return context;
    }
}

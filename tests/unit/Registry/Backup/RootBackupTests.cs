using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Authorities;
using CapiRegistryHook.Registry.Backup;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Trust;
using CapiRegistryHook.Unit.Tests.Certificates;
using CapiRegistryHook.Unit.Tests.Registry.Trust;

namespace CapiRegistryHook.Unit.Tests.Registry.Backup;

/// <summary>A root that is exported from one management cluster and imported on another one.</summary>
public sealed class RootBackupTests : IAsyncLifetime
{
    /// <summary>A recipient's key is quicker than a passphrase, which is slow on purpose.</summary>
    private readonly RootProtection _protection = NewProtection();

    private RotationFixture _source = null!;
    private RotationFixture _target = null!;

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() =>
        (_source, _target) = (await RotationFixture.StartAsync(), await RotationFixture.StartAsync());

    public async ValueTask DisposeAsync()
    {
        await _source.DisposeAsync();
        await _target.DisposeAsync();
        _protection.Dispose();
    }

    [Fact]
    public async Task Import_NothingThere_CreatesTheSameRootAndThenWritesNothing()
    {
        (await _source.RootsAsync()).Dispose();
        var backup = await ExportAsync();

        var first = await ImportAsync(backup);
        var version = (await _target.FindAsync(RotationFixture.Root))!.Metadata.ResourceVersion;
        var second = await ImportAsync(backup);

        Assert.True(first.IsDone);
        Assert.Contains($"was created with root {await _source.IdAsync(RotationFixture.Root)} (generation 1", first.Text,
            StringComparison.Ordinal);
        await AssertSameAsync(RotationFixture.Root);
        Assert.True(second.IsDone);
        Assert.Contains("already; nothing was written", second.Text, StringComparison.Ordinal);
        Assert.Equal(version, (await _target.FindAsync(RotationFixture.Root))!.Metadata.ResourceVersion);
    }

    [Fact]
    public async Task Import_DuringARotation_CarriesBothRootsAndTheRotationGoesOn()
    {
        (await _source.RootsAsync()).Dispose();
        await _source.AnnotateAsync(RotationFixture.Root, AuthoritySecret.RotateAnnotation, "after the audit = 1\n2");
        await _source.AdvanceAsync(isComplete: false);
        var backup = await ExportAsync();

        var result = await ImportAsync(backup);

        Assert.Contains($"and, for the rotation in progress, the next root {await _source.IdAsync(RotationFixture.Next)}", result.Text,
            StringComparison.Ordinal);
        await AssertSameAsync(RotationFixture.Root);
        await AssertSameAsync(RotationFixture.Next);
        Assert.Contains("nothing was written", (await ImportAsync(backup)).Text, StringComparison.Ordinal);
        using (var roots = await _target.RootsAsync())
            Assert.True(roots.IsRotating);
        await _target.AdvanceAsync(isComplete: true);
        Assert.Equal(await _source.IdAsync(RotationFixture.Next), await _target.IdAsync(RotationFixture.Root));
        var late = await ImportAsync(backup);
        Assert.True(late.IsDone);
        Assert.Contains("which has replaced", late.Text, StringComparison.Ordinal);
        Assert.Equal(await _source.IdAsync(RotationFixture.Next), await _target.IdAsync(RotationFixture.Root));
    }

    /// <summary>The import died between its two writes, and the leader gave the rotation up.</summary>
    [Fact]
    public async Task Import_NextRootIsGone_IsCompleted()
    {
        (await _source.RootsAsync()).Dispose();
        await _source.OrderAsync();
        await _source.AdvanceAsync(isComplete: false);
        var backup = await ExportAsync();
        await ImportAsync(backup);
        await _target.DeleteAsync(RotationFixture.Next);
        await _target.AdvanceAsync(isComplete: false);

        var result = await ImportAsync(backup);

        Assert.Contains("was completed with", result.Text, StringComparison.Ordinal);
        await AssertSameAsync(RotationFixture.Next);
    }

    [Fact]
    public async Task Import_UnusedRootThere_IsReplacedWithItsAnnotations()
    {
        (await _source.RootsAsync()).Dispose();
        (await _target.RootsAsync()).Dispose();
        await _target.OrderAsync(isCompromised: true);
        var former = await _target.IdAsync(RotationFixture.Root);

        var result = await ImportAsync(await ExportAsync());

        Assert.True(result.IsDone);
        Assert.Contains($"held root {former}", result.Text, StringComparison.Ordinal);
        await AssertSameAsync(RotationFixture.Root);
    }

    [Fact]
    public async Task Import_ClustersBroughtTheirTrust_ReplacesAnUnusedRoot()
    {
        (await _source.TrustAsync()).Signer.Value!.Dispose();
        await CopyTrustAsync();
        using (var unused = Samples.NewRoot(time: _target.Time))
            await _target.ReplaceRootAsync(unused);

        var refused = (await _target.TrustAsync()).Signer.Stop!;
        var result = await ImportAsync(await ExportAsync());

        Assert.Contains("is not the one that this cluster's nodes trust", refused.Reason, StringComparison.Ordinal);
        Assert.Contains("capi-registry-hook root import", refused.Reason, StringComparison.Ordinal);
        Assert.True(result.IsDone, result.Text);
        (await _target.TrustAsync()).Signer.Value!.Dispose();
    }

    [Fact]
    public async Task Import_RootInUse_IsRefusedAndNothingIsWritten()
    {
        (await _source.RootsAsync()).Dispose();
        (await _target.TrustAsync()).Signer.Value!.Dispose();
        var before = (await _target.FindAsync(RotationFixture.Root))!.Metadata.ResourceVersion;

        var result = await ImportAsync(await ExportAsync());

        Assert.False(result.IsDone);
        Assert.Contains(
            $"the Secret {_target.Plan.TrustSecret} makes nodes trust the root {await _target.IdAsync(RotationFixture.Root)}", result.Text,
            StringComparison.Ordinal);
        Assert.Equal(before, (await _target.FindAsync(RotationFixture.Root))!.Metadata.ResourceVersion);
    }

    [Theory]
    [InlineData("0123456789abcdef", false)]
    [InlineData(null, true)]
    public async Task Import_HelmChartProxyNamesAnIssuer_DecidesWhereNoTrustIsKnown(string? issuer, bool isDone)
    {
        (await _source.RootsAsync()).Dispose();
        await AddReleaseAsync(issuer ?? await _source.IdAsync(RotationFixture.Root));

        Assert.Equal(isDone, (await ImportAsync(await ExportAsync())).IsDone);
        Assert.Equal(isDone, await _target.FindAsync(RotationFixture.Root) is not null);
    }

    /// <summary>The root of a backup that is older or newer by a rotation: cross-certificates tell which.</summary>
    [Fact]
    public async Task Import_BackupFromBeforeARotation_LeavesTheNewerRoot()
    {
        (await _source.RootsAsync()).Dispose();
        var before = await ExportAsync();
        await ImportAsync(before);
        await _source.OrderAsync();
        await _source.AdvanceAsync(isComplete: false);
        await _source.AdvanceAsync(isComplete: true);
        var after = await ExportAsync();

        Assert.Contains("and now holds", (await ImportAsync(after)).Text, StringComparison.Ordinal);
        await AssertSameAsync(RotationFixture.Root);
        Assert.Contains("which has replaced", (await ImportAsync(before)).Text, StringComparison.Ordinal);
        await AssertSameAsync(RotationFixture.Root);
    }

    [Fact]
    public async Task Import_BrokenRoot_IsReplaced()
    {
        (await _source.RootsAsync()).Dispose();
        await _target.ReplaceRootAsync([1], [2]);

        Assert.Contains("could not be used", (await ImportAsync(await ExportAsync())).Text, StringComparison.Ordinal);
        await AssertSameAsync(RotationFixture.Root);
    }

    [Fact]
    public async Task Import_ExpiredRoot_IsRefused()
    {
        (await _source.RootsAsync()).Dispose();
        var backup = await ExportAsync();
        _target.Time.Advance(TimeSpan.FromDays(3651));

        Assert.Contains("has expired", (await ImportAsync(backup)).Text, StringComparison.Ordinal);
        Assert.Null(await _target.FindAsync(RotationFixture.Root));
    }

    [Fact]
    public async Task Export_NoRootOrRootOfOthers_Says()
    {
        Assert.Contains("There is no root CA Secret", (await TryExportAsync(_source.Options)).Text, StringComparison.Ordinal);
        Assert.Contains(
            "made outside of this service", (await TryExportAsync(_source.Options with { RootSource = RootSource.External })).Text,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Export_AnnouncedNextRootIsMissing_Says()
    {
        (await _source.RootsAsync()).Dispose();
        await _source.AnnotateAsync(RotationFixture.Root, RootAnnotations.NextRoot, RotationFixture.Next.Name);

        var result = await TryExportAsync(_source.Options);

        Assert.Null(result.Content);
        Assert.Contains("announces a next root", result.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Backup_DamagedAnywhere_IsRefusedOrReadAsItWas()
    {
        (await _source.RootsAsync()).Dispose();
        var backup = Encoding.UTF8.GetString(await ExportAsync());
        var id = await _source.IdAsync(RotationFixture.Root);
        var lines = backup.Split('\n');
        for (var line = 0; line < lines.Length; line++)
        {
            var cut = string.Join('\n', lines.Where((_, index) => index != line));
            if (TryRead(cut) is { } root)
                Assert.Equal(id, root);
        }

        Assert.Throws<RootBackupException>(() => TryReadOrThrow("nothing"));
        Assert.Throws<RootBackupException>(() => TryReadOrThrow(""));
    }

    [Fact]
    public async Task Backup_HoldsNoKeyInClear()
    {
        (await _source.RootsAsync()).Dispose();
        var backup = Encoding.UTF8.GetString(await ExportAsync());
        var key = Encoding.ASCII.GetString((await _source.FindAsync(RotationFixture.Root))!.Value(SecretKeys.PrivateKey).Span);

        Assert.DoesNotContain("BEGIN PRIVATE KEY", backup, StringComparison.Ordinal);
        Assert.DoesNotContain(key.Split('\n')[1], backup, StringComparison.Ordinal);
    }

    private static RootProtection NewProtection()
    {
        using var recipient = Samples.NewRoot(KeyAlgorithm.Rsa2048);
        return RootProtection.WithPrivateKey(recipient.PrivateKeyPem.Span);
    }

    private async Task<byte[]> ExportAsync() => (await TryExportAsync(_source.Options)).Content!;

    private Task<RootExportResult> TryExportAsync(RegistryOptions options) =>
        RootExport.ReadAsync(_source.Client, options, _protection.Keys, CancellationToken);

    private async Task<RootImportResult> ImportAsync(byte[] content)
    {
        using var backup = RootBackupText.Read(content, _protection.Keys);
        return await RootImport.WriteAsync(_target.Client, _target.Options, backup, _target.Time, CancellationToken);
    }

    private string? TryRead(string text)
    {
        try
        {
            return TryReadOrThrow(text);
        }
        catch (RootBackupException)
        {
            return null;
        }
    }

    private string TryReadOrThrow(string text)
    {
        using var backup = RootBackupText.Read(Encoding.UTF8.GetBytes(text), _protection.Keys);
        return backup.Current.Id;
    }

    private async Task AssertSameAsync(NamespacedName name)
    {
        var (source, target) = ((await _source.FindAsync(name))!, (await _target.FindAsync(name))!);
        Assert.Equal(source.Data!.OrderBy(entry => entry.Key, StringComparer.Ordinal),
            target.Data!.OrderBy(entry => entry.Key, StringComparer.Ordinal));
        Assert.Equal(Ordered(source.Metadata.Annotations), Ordered(target.Metadata.Annotations));
        Assert.Equal(Ordered(source.Metadata.Labels), Ordered(target.Metadata.Labels));
        Assert.Equal(source.Type, target.Type);
    }

    private static IEnumerable<KeyValuePair<string, string>> Ordered(IReadOnlyDictionary<string, string>? map) =>
        (map ?? new Dictionary<string, string>()).OrderBy(entry => entry.Key, StringComparer.Ordinal);

    private async Task CopyTrustAsync()
    {
        var trust = (await _source.FindAsync(_source.Plan.TrustSecret))!;
        await _target.Client.CreateAsync(CoreResources.Secrets, new Secret
        {
            Metadata = new ObjectMeta
            {
                Namespace = trust.Metadata.Namespace,
                Name = trust.Metadata.Name,
                Labels = trust.Metadata.Labels,
                Annotations = trust.Metadata.Annotations,
            },
            Type = trust.Type,
            Data = trust.Data,
        }, "clusterctl", CancellationToken);
    }

    private Task<JsonObject> AddReleaseAsync(string issuer) => _target.Objects.CreateAsync(
        "/apis/addons.cluster.x-k8s.io/v1alpha1/namespaces/team-a/helmchartproxies",
        new JsonObject
        {
            ["apiVersion"] = "addons.cluster.x-k8s.io/v1alpha1",
            ["kind"] = "HelmChartProxy",
            ["metadata"] = new JsonObject
            {
                ["name"] = "c9-registry",
                ["labels"] = new JsonObject { ["app.kubernetes.io/managed-by"] = ObjectLabels.FieldManager },
                ["annotations"] = new JsonObject { [RootAnnotations.CertificateIssuer] = issuer },
            },
            ["spec"] = new JsonObject { ["chartName"] = "registry", ["repoURL"] = "oci://example.com",
                ["clusterSelector"] = new JsonObject() },
        }, CancellationToken);
}

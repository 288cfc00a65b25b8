using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Registry.ServerCertificates;

/// <summary>
/// Keeps the registry's certificate on the workload cluster as wanted. A new certificate is written together with what it was renewed
/// for, so a crash leaves either the old state or the new one, and a repeated upgrade hook finds its work done.
/// </summary>
internal sealed class RegistryCertificateIssuer(TimeProvider time)
{
    /// <summary>The Kubernetes version of the latest upgrade that renewed the certificate.</summary>
    public const string RenewedForAnnotation = "capi-registry-hook.io/renewed-for";

    /// <summary>The latest request for a renewal that was fulfilled: the value that <see cref="RequestAnnotation"/> had then.</summary>
    public const string RequestedByAnnotation = "capi-registry-hook.io/renewed-for-request";

    /// <summary>On the Cluster: a new value requests a renewal.</summary>
    public const string RequestAnnotation = "capi-registry-hook.io/renew";

    /// <summary>Creates, replaces or keeps the Secret with the certificate, and returns the record of what is in it.</summary>
    /// <param name="workload">Client of the workload cluster.</param>
    /// <param name="wanted">What the certificate must be.</param>
    /// <param name="changes">Takes what was changed.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    public Task<StepResult<CertificateRecord>> EnsureAsync(
        KubernetesClient workload, WantedCertificate wanted, ICollection<Change> changes, CancellationToken cancellationToken)
    {
        var isThere = !wanted.IsFirst || wanted.Refusal is not null;
        return OptimisticWrite.RunAsync<StepResult<CertificateRecord>>(async () =>
        {
            var live = isThere
                ? await workload.FindAsync(CoreResources.Secrets, RegistryPlan.CertificateSecret, cancellationToken) : null;
            isThere = true;
            if (live is null)
                return wanted.Refusal ?? (StepResult<CertificateRecord>)await CreateAsync(workload, wanted, changes, cancellationToken);
            if (live.Type != SecretKeys.TlsType || !ObjectLabels.IsManaged(live.Metadata))
                return RefuseForeign();

            if (Evaluate(live, wanted) is { Reissue: true } decision)
                return wanted.Refusal ?? (StepResult<CertificateRecord>)await ReplaceAsync(
                    workload, live, wanted, decision.Message, changes, cancellationToken);
            return live.Value(SecretKeys.Authority).Span.SequenceEqual(wanted.TrustBytes)
                ? RecordOf(live, wanted)
                : await RefreshTrustAsync(workload, live, wanted, changes, cancellationToken);
        });
    }

    private ReissueDecision Evaluate(Secret live, WantedCertificate wanted)
    {
        var now = time.GetUtcNow();
        var input = ReissueInput.Read(
            live.Value(SecretKeys.Certificate).Span, live.Value(SecretKeys.PrivateKey).Span, wanted.Request,
            wanted.Refusal is null ? wanted.Authority : null, now);
        return ReissuePolicy.Evaluate(
            input with { Request = wanted.OpenRequest(Annotation(live, RenewedForAnnotation), Annotation(live, RequestedByAnnotation)) },
            now);
    }

    private static string? Annotation(Secret live, string name) => live.Metadata.Annotations?.GetValueOrDefault(name);

    private async Task<CertificateRecord> CreateAsync(
        KubernetesClient workload, WantedCertificate wanted, ICollection<Change> changes, CancellationToken cancellationToken)
    {
        await EnsureNamespaceAsync(workload, cancellationToken);
        using var pair = wanted.Authority.Issue(wanted.Request, time);
        var secret = new Secret
        {
            Metadata = new ObjectMeta
            {
                Namespace = RegistryPlan.CertificateSecret.Namespace,
                Name = RegistryPlan.CertificateSecret.Name,
                Labels = ObjectLabels.Workload,
                Annotations = Marks(wanted) is { Count: > 0 } marks ? marks : null,
            },
            Type = SecretKeys.TlsType,
            Data = SecretKeys.Tls(pair, wanted.Trust.ToPem()),
        };
        await workload.CreateAsync(CoreResources.Secrets, secret, ObjectLabels.FieldManager, cancellationToken);
        changes.Add(Changed(ChangeVerb.Created, "The server certificate was missing."));
        return RecordOf(pair, wanted);
    }

    private static async Task EnsureNamespaceAsync(KubernetesClient workload, CancellationToken cancellationToken)
    {
        try
        {
            var value = new Namespace { Metadata = new ObjectMeta { Name = RegistryNames.Namespace, Labels = ObjectLabels.Workload } };
            await workload.CreateAsync(CoreResources.Namespaces, value, ObjectLabels.FieldManager, cancellationToken);
        }
        catch (KubernetesApiException exception) when (exception.Fault == KubernetesFault.AlreadyExists)
        {
            // The namespace outlives a registry, and another replica may have been faster.
        }
    }

    private async Task<CertificateRecord> ReplaceAsync(
        KubernetesClient workload, Secret live, WantedCertificate wanted, string reason, ICollection<Change> changes,
        CancellationToken cancellationToken)
    {
        using var pair = wanted.Authority.Issue(wanted.Request, time);
        var metadata = Lock(live);
        if (Marks(wanted) is { Count: > 0 } marks)
            metadata["annotations"] = new JsonObject(marks.Select(mark => KeyValuePair.Create<string, JsonNode?>(mark.Key, mark.Value)));
        var data = new JsonObject();
        foreach (var (key, value) in SecretKeys.Tls(pair, wanted.Trust.ToPem()))
            data[key] = Convert.ToBase64String(value);
        await PatchAsync(workload, metadata, data, cancellationToken);
        changes.Add(Changed(ChangeVerb.Updated, reason));
        return RecordOf(pair, wanted);
    }

    private static async Task<CertificateRecord> RefreshTrustAsync(
        KubernetesClient workload, Secret live, WantedCertificate wanted, ICollection<Change> changes, CancellationToken cancellationToken)
    {
        var data = new JsonObject { [SecretKeys.Authority] = Convert.ToBase64String(wanted.TrustBytes) };
        await PatchAsync(workload, Lock(live), data, cancellationToken);
        changes.Add(Changed(ChangeVerb.Updated, "The trust bundle stored with the certificate was out of date."));
        return RecordOf(live, wanted);
    }

    /// <summary>With this resourceVersion, a patch fails with Conflict when somebody wrote since the read.</summary>
    private static JsonObject Lock(Secret live) => new() { ["resourceVersion"] = live.Metadata.ResourceVersion };

    private static async Task PatchAsync(
        KubernetesClient workload, JsonObject metadata, JsonObject data, CancellationToken cancellationToken) =>
        await workload.MergePatchAsync(
            CoreResources.Secrets, RegistryPlan.CertificateSecret, new JsonObject { ["metadata"] = metadata, ["data"] = data },
            ObjectLabels.FieldManager, cancellationToken);

    /// <summary>What a certificate was renewed for, so that the same request does not renew it again.</summary>
    private static Dictionary<string, string> Marks(WantedCertificate wanted)
    {
        var marks = new Dictionary<string, string>();
        if (wanted.UpgradeTo is not null)
            marks[RenewedForAnnotation] = wanted.UpgradeTo;
        if (wanted.RenewalRequest is not null)
            marks[RequestedByAnnotation] = wanted.RenewalRequest;
        return marks;
    }

    private static CertificateRecord RecordOf(CertificateKeyPair pair, WantedCertificate wanted) =>
        CertificateRecord.Of(wanted, pair.SerialNumber, pair.NotBefore, pair.NotAfter);

    private static CertificateRecord RecordOf(Secret secret, WantedCertificate wanted)
    {
        var facts = CertificateFacts.Read(secret.Value(SecretKeys.Certificate).Span);
        var record = CertificateRecord.Of(wanted, facts.SerialNumber, facts.NotBefore, facts.NotAfter);
        return wanted.Refusal is null ? record : record with
        {
            Issuer = CertificateRecord.IssuerOf(secret, wanted.Trust),
            RequestedBy = Annotation(secret, RequestedByAnnotation),
        };
    }

    private static Change Changed(ChangeVerb verb, string reason) =>
        new(verb, "Secret", RegistryPlan.CertificateSecret.ToString(), true, reason);

    private static RegistryOutcome RefuseForeign() => RegistryOutcome.Refused(
        $"The Secret {RegistryPlan.CertificateSecret} on the workload cluster is not ours: its type is not "
            + $"{SecretKeys.TlsType}, or it lacks our label; delete it once nothing uses it, see docs/takeover.md.");
}

/// <summary>What the server certificate of a cluster must be.</summary>
/// <param name="Request">Names, algorithm, lifetime.</param>
/// <param name="Authority">Who signs.</param>
/// <param name="Trust">The bundle that goes beside the certificate, for the sidecars.</param>
/// <param name="UpgradeTo">During an upgrade, the version that the certificate is to be renewed for.</param>
internal sealed record WantedCertificate(
    ServerCertificateRequest Request, CertificateAuthority Authority, TrustBundle Trust, string? UpgradeTo)
{
    /// <summary>The user's request for a renewal; null when there is none.</summary>
    public string? RenewalRequest { get; init; }

    /// <summary>The outcome when a certificate must be issued while nobody may sign; null when <see cref="Authority"/> may.</summary>
    public RegistryOutcome? Refusal { get; init; }

    /// <summary>
    /// No registry is installed, so the certificate is created without looking for one first; one that an earlier registry left is
    /// found by that.
    /// </summary>
    public bool IsFirst { get; init; }

    public byte[] TrustBytes { get; } = Encoding.ASCII.GetBytes(Trust.ToPem());

    /// <summary>Why the certificate is to be renewed ahead of time; null when that is done, or nobody may sign.</summary>
    /// <param name="renewedFor">The Kubernetes version that it was renewed for last.</param>
    /// <param name="requestedBy">The request that it fulfils.</param>
    public string? OpenRequest(string? renewedFor, string? requestedBy)
    {
        if (Refusal is not null)
            return null;
        if (UpgradeTo is not null && UpgradeTo != renewedFor)
            return "The cluster is being upgraded to another Kubernetes version.";
        return RenewalRequest is not null && RenewalRequest != requestedBy ? "A renewal was requested." : null;
    }
}

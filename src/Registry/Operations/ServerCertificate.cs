using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes;

namespace CapiRegistryHook.Registry;

/// <summary>
/// The registry's certificate on the workload cluster. A good one is kept. A new one is written together with the
/// version it was renewed for, so that a crash leaves either the old state or the new, and a repeated upgrade hook
/// finds its work done.
/// </summary>
internal sealed class ServerCertificate(TimeProvider time)
{
    /// <summary>The Kubernetes version of the latest upgrade that renewed the certificate.</summary>
    public const string RenewedForAnnotation = "capi-registry-hook.io/renewed-for";

    /// <summary>Returns the serial number of the certificate in the Secret.</summary>
    /// <param name="workload">Client of the workload cluster.</param>
    /// <param name="wanted">What the certificate must be.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    public Task<Ensured<string>> EnsureAsync(KubernetesClient workload, WantedCertificate wanted, CancellationToken cancellationToken) =>
        OptimisticWrite.RunAsync(async () =>
        {
            var live = await workload.FindAsync(CoreResources.Secrets, RegistryPlan.CertificateSecret, cancellationToken);
            if (live is null)
                return await CreateAsync(workload, wanted, cancellationToken);
            if (live.Type != SecretKeys.TlsType)
                return RefuseForeign();

            var why = WhyReissue(live, wanted);
            if (why is not null)
                return await ReplaceAsync(workload, live, wanted, why, cancellationToken);
            return live.Value(SecretKeys.Authority).Span.SequenceEqual(wanted.TrustBytes)
                ? new Ensured<string>(SerialOf(live))
                : await RefreshTrustAsync(workload, live, wanted, cancellationToken);
        });

    /// <summary>Null when the certificate may stay.</summary>
    private string? WhyReissue(Secret live, WantedCertificate wanted)
    {
        var decision = ReissuePolicy.Evaluate(
            live.Value(SecretKeys.Certificate).Span, live.Value(SecretKeys.PrivateKey).Span, wanted.Request, wanted.Authority, time);
        if (decision.Reissue)
            return decision.Message;
        return wanted.UpgradeTo is null || live.Metadata.Annotations?.GetValueOrDefault(RenewedForAnnotation) == wanted.UpgradeTo
            ? null
            : "The cluster is upgraded to another version of Kubernetes.";
    }

    private async Task<Ensured<string>> CreateAsync(KubernetesClient workload, WantedCertificate wanted, CancellationToken cancellationToken)
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
                Annotations = wanted.UpgradeTo is null ? null : new Dictionary<string, string> { [RenewedForAnnotation] = wanted.UpgradeTo },
            },
            Type = SecretKeys.TlsType,
            Data = SecretKeys.Tls(pair, wanted.Trust.ToPem()),
        };
        await workload.CreateAsync(CoreResources.Secrets, secret, ObjectLabels.FieldManager, cancellationToken);
        return Changed(pair.SerialNumber, ChangeVerb.Created, "There was no server certificate.");
    }

    private static async Task EnsureNamespaceAsync(KubernetesClient workload, CancellationToken cancellationToken)
    {
        var name = new NamespacedName("", RegistryNames.Namespace);
        if (await workload.FindAsync(CoreResources.Namespaces, name, cancellationToken) is not null)
            return;
        try
        {
            var value = new Namespace { Metadata = new ObjectMeta { Name = name.Name, Labels = ObjectLabels.Workload } };
            await workload.CreateAsync(CoreResources.Namespaces, value, ObjectLabels.FieldManager, cancellationToken);
        }
        catch (KubernetesApiException exception) when (exception.Fault == KubernetesFault.AlreadyExists)
        {
            // Another replica was faster.
        }
    }

    private async Task<Ensured<string>> ReplaceAsync(
        KubernetesClient workload, Secret live, WantedCertificate wanted, string why, CancellationToken cancellationToken)
    {
        using var pair = wanted.Authority.Issue(wanted.Request, time);
        var metadata = Lock(live);
        if (wanted.UpgradeTo is not null)
            metadata["annotations"] = new JsonObject { [RenewedForAnnotation] = wanted.UpgradeTo };
        var data = new JsonObject();
        foreach (var (key, value) in SecretKeys.Tls(pair, wanted.Trust.ToPem()))
            data[key] = Convert.ToBase64String(value);
        await PatchAsync(workload, metadata, data, cancellationToken);
        return Changed(pair.SerialNumber, ChangeVerb.Updated, why);
    }

    private static async Task<Ensured<string>> RefreshTrustAsync(
        KubernetesClient workload, Secret live, WantedCertificate wanted, CancellationToken cancellationToken)
    {
        var data = new JsonObject { [SecretKeys.Authority] = Convert.ToBase64String(wanted.TrustBytes) };
        await PatchAsync(workload, Lock(live), data, cancellationToken);
        return Changed(SerialOf(live), ChangeVerb.Updated, "The trust bundle beside the certificate was not the cluster's.");
    }

    /// <summary>With the resourceVersion in it, a patch fails with Conflict when anyone wrote since the read.</summary>
    private static JsonObject Lock(Secret live) => new() { ["resourceVersion"] = live.Metadata.ResourceVersion };

    private static async Task PatchAsync(KubernetesClient workload, JsonObject metadata, JsonObject data, CancellationToken cancellationToken) =>
        await workload.MergePatchAsync(
            CoreResources.Secrets, RegistryPlan.CertificateSecret, new JsonObject { ["metadata"] = metadata, ["data"] = data },
            ObjectLabels.FieldManager, cancellationToken);

    private static string SerialOf(Secret secret) => CertificateFacts.Read(secret.Value(SecretKeys.Certificate).Span).SerialNumber;

    private static Ensured<string> Changed(string serial, ChangeVerb verb, string why) =>
        new(serial, new Change(verb, "Secret", RegistryPlan.CertificateSecret.ToString(), true, why));

    private static Ensured<string> RefuseForeign() => Ensured<string>.Stopped(new RegistryOutcome.Refused(
        $"The Secret {RegistryPlan.CertificateSecret} on the workload cluster is not of type {SecretKeys.TlsType}, so it is not ours; delete or rename it."));
}

/// <summary>What the server certificate of a cluster must be.</summary>
/// <param name="Request">Names, algorithm, lifetime.</param>
/// <param name="Authority">Who signs.</param>
/// <param name="Trust">The bundle that goes beside the certificate, for the sidecars.</param>
/// <param name="UpgradeTo">During an upgrade, the version that the certificate is to be renewed for.</param>
internal sealed record WantedCertificate(ServerCertificateRequest Request, CertificateAuthority Authority, TrustBundle Trust, string? UpgradeTo)
{
    public byte[] TrustBytes { get; } = Encoding.ASCII.GetBytes(Trust.ToPem());
}

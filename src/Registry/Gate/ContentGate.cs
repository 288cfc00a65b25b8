using System.Net;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Access;
using CapiRegistryHook.Registry.Contents;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Release;
using CapiRegistryHook.Registry.Text;
using CapiRegistryHook.Registry.Trust;

namespace CapiRegistryHook.Registry.Gate;

/// <summary>
/// Finds out whether a cluster's registry holds what was declared for it, or what an upgrade of the cluster needs of that. Only contents
/// that select the Cluster and are not suspended count: without one, no call goes to the workload cluster.
/// </summary>
internal sealed class ContentGate(KubernetesClient management, WorkloadAccess workload, RegistryOptions options, TimeProvider time)
{
    /// <summary>Less than the hook has left after a usual reconcile of the registry, whatever the registry does.</summary>
    public static readonly TimeSpan LongestCheck = TimeSpan.FromSeconds(2.5);

    /// <summary>More HEADs would not fit into that time.</summary>
    private const int MostContents = 50;

    private readonly ContentLists _lists = new(management, new ContentSelection(options.ContentSharedNamespaces).IsValid, time);
    private readonly ContentSelection _selection = new(options.ContentSharedNamespaces);

    /// <summary>Why an upgrade has to wait, as a fixed sentence; null when it need not. What can't be asked counts as missing.</summary>
    /// <param name="plan">The registry of the Cluster.</param>
    /// <param name="targetVersion">The Kubernetes version that the cluster is upgraded to.</param>
    /// <param name="cancellationToken">Ends the check.</param>
    public Task<string?> FindUpgradeObstacleAsync(RegistryPlan plan, string targetVersion, CancellationToken cancellationToken) =>
        FindObstacleAsync(
            plan, content => ContentSelection.IsNeededFor(content, targetVersion),
            $"what the upgrade to {FieldText.Quote(targetVersion)} needs", cancellationToken);

    /// <summary>Why a registry that serves is not filled yet, as a fixed sentence; null when it is.</summary>
    /// <param name="plan">The registry of the Cluster.</param>
    /// <param name="cancellationToken">Ends the check.</param>
    public async Task<string?> FindFillObstacleAsync(RegistryPlan plan, CancellationToken cancellationToken)
    {
        var obstacle = await FindObstacleAsync(plan, _ => true, "what was declared for it", cancellationToken);
        return obstacle is not null && plan.Basis.Settings.Mirror.Strict
            ? $"{obstacle} Its mirrors are strict: nodes can't pull what is missing from anywhere else." : obstacle;
    }

    private async Task<string?> FindObstacleAsync(
        RegistryPlan plan, Func<RegistryContent, bool> isNeeded, string what, CancellationToken cancellationToken)
    {
        if (options.ContentGate == ContentGateMode.Off)
            return null;
        using var limit = new CancellationTokenSource(LongestCheck, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        List<RegistryContent>? needed = null;
        try
        {
            needed = await FindNeededAsync(plan.Cluster, isNeeded, either.Token);
            return needed.Count == 0 ? null : Describe(plan, what, needed, await FindMissingAsync(plan, needed, either.Token));
        }
        catch (Exception exception)
            when (exception is OperationCanceledException or KubernetesApiException or HttpRequestException or IOException)
        {
            return needed is null
                ? $"It is not known {what}: the RegistryContents can't be read." : Describe(plan, what, needed, ContentAnswer.None);
        }
    }

    private async Task<List<RegistryContent>> FindNeededAsync(
        Cluster cluster, Func<RegistryContent, bool> isNeeded, CancellationToken cancellationToken)
    {
        var needed = new List<RegistryContent>();
        foreach (var place in options.ContentSharedNamespaces.Prepend(cluster.Name.Namespace).Distinct())
        {
            needed.AddRange((await _lists.ReadAsync(place, cancellationToken)).Where(content =>
                isNeeded(content) && !ContentSelection.IsSuspended(content)
                && _selection.SelectsIfValid(content, cluster.Key, cluster.Metadata.Labels)));
        }

        return needed;
    }

    private async Task<ContentAnswer> FindMissingAsync(
        RegistryPlan plan, List<RegistryContent> needed, CancellationToken cancellationToken)
    {
        var resolved = needed.Where(IsResolved).Take(MostContents).ToList();
        var others = needed.Except(resolved).ToList();
        if (resolved.Count == 0)
            return new ContentAnswer(others);
        var secret = await management.FindAsync(
            CoreResources.Secrets, RegistryBasis.TrustSecret(plan.Cluster.Name), cancellationToken);
        if (secret is null || TrustSecret.Read(secret) is not { } trust)
            return ContentAnswer.None;
        var probe = new ContentProbe(trust, await FindGeneratedLoginAsync(plan, cancellationToken), time);
        var answer = await workload.RunAsync(
            plan.Cluster,
            async client => new StepResult<ContentAnswer>(await probe.FindMissingAsync(client, resolved, cancellationToken)),
            cancellationToken);
        return answer.Value switch
        {
            { Missing: { } missing } => new ContentAnswer([.. missing, .. others]),
            { } refusal => refusal,
            null => ContentAnswer.None,
        };
    }

    private async Task<NetworkCredential?> FindGeneratedLoginAsync(RegistryPlan plan, CancellationToken cancellationToken) =>
        plan.Basis.Settings.GeneratesLogin
        && await management.FindAsync(
            CoreResources.Secrets, RegistryBasis.LoginSecret(plan.Cluster), cancellationToken) is { } secret
        && LoginSecret.Read(secret) is { } login ? new NetworkCredential(login.UserName, login.Password) : null;

    /// <summary>Whether the syncer has found out which digests the content is, for the spec as it is now.</summary>
    private static bool IsResolved(RegistryContent content) =>
        content.Status is { Lock.Digest.Length: > 0 } status && status.ObservedGeneration == content.Metadata.Generation;

    private string? Describe(RegistryPlan plan, string what, List<RegistryContent> needed, ContentAnswer answer)
    {
        if (answer.Missing is not { } missing)
            return $"It is not known whether the registry holds {what} ({Count(needed.Count)}): "
                + (answer.RefusesLogin ? DescribeRefusal(plan, answer.Accounts) : "its primary replica does not answer, or is not ready.");
        if (missing.Count == 0)
            return null;
        var entries = missing.Sum(content => content.Status?.Lock?.Entries ?? 0);
        var size = entries == 0 ? ""
            : $", with {entries} {(entries == 1 ? "entry" : "entries")}";
        var verb = missing.Count == 1 ? "is" : "are";
        return $"The registry does not hold {what} yet: "
            + $"{missing.Count} of {Count(needed.Count)} {verb} incomplete{size}.";
    }

    private string DescribeRefusal(RegistryPlan plan, NamespacedName? accounts)
    {
        var field = $"{options.Variable.Field}.auth";
        if (plan.Basis.Settings.GeneratesLogin)
            return $"it refuses the login in the Secret {RegistryBasis.LoginSecret(plan.Cluster)}.";
        if (accounts is null)
            return $"it asks for a login that is not known here; set {field}.";
        var named = plan.Basis.Settings.AuthSecretName is null ? "auth.htpasswd.secretName in the chart's values" : $"{field}.secretRef";
        return $"it refuses the login in the Secret {accounts} on the workload cluster ({named}); set its keys username and password to "
            + "an account in its key htpasswd.";
    }

    private static string Count(int contents) =>
        contents == 1 ? "1 RegistryContent" : $"{contents} RegistryContents";
}

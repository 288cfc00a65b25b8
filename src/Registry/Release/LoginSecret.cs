using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Logins;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Trust;

namespace CapiRegistryHook.Registry.Release;

/// <summary>
/// The generated login of a registry, in a Secret beside its Cluster. It is made once and kept, since nodes have it; a new one comes on
/// request, and the former one stays accepted until every node has the new one.
/// </summary>
internal sealed class LoginSecret(KubernetesClient management, TimeProvider time)
{
    /// <summary>On the Cluster: another value than before asks for a new password.</summary>
    public const string RequestAnnotation = "capi-registry-hook.io/rotate-password";

    /// <summary>On the Secret: the request that was fulfilled last.</summary>
    public const string RotatedForAnnotation = "capi-registry-hook.io/password-rotated-for";

    /// <summary>On the Secret: since when the login is the current one.</summary>
    public const string SinceAnnotation = "capi-registry-hook.io/password-since";

    public const string UserNameKey = "username";
    public const string PasswordKey = "password";
    public const string HtpasswdKey = "htpasswd";

    private readonly MachineAges _ages = new(management);

    /// <summary>The plan with its login; the same plan when no login is generated for it.</summary>
    /// <param name="plan">The cluster's plan.</param>
    /// <param name="changes">Takes what was changed.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    public async Task<StepResult<RegistryPlan>> EnsureAsync(
        RegistryPlan plan, ICollection<Change> changes, CancellationToken cancellationToken)
    {
        if (!plan.Basis.Settings.GeneratesLogin)
            return plan;
        var ensured = await OptimisticWrite.RunAsync(() => EnsureOnceAsync(plan, changes, cancellationToken));
        return ensured.Value is { } login ? plan with { Login = login } : ensured.Stop!;
    }

    /// <summary>Stops to accept the former login once every Machine is younger than the current one.</summary>
    public Task<RegistryPlan> RetireAsync(RegistryPlan plan, ICollection<Change> changes, CancellationToken cancellationToken) =>
        OptimisticWrite.RunAsync(async () =>
        {
            if (plan.Login is not { HasFormer: true } || await FindAsync(plan, cancellationToken) is not { } live
                || Load(live) is not { HasFormer: true } login || Since(live) is not { } since
                || (await _ages.OlderThanAsync(plan, since + TrustDates.Margin, cancellationToken)).Count > 0)
                return plan;
            var left = login.WithoutFormer();
            await PatchAsync(plan, live, left, [], cancellationToken);
            changes.Add(Changed(plan, ChangeVerb.Updated, "The former login is no longer accepted."));
            return plan with { Login = left };
        });

    private async Task<StepResult<RegistryLogin>> EnsureOnceAsync(
        RegistryPlan plan, ICollection<Change> changes, CancellationToken cancellationToken)
    {
        if (await FindAsync(plan, cancellationToken) is not { } live)
            return await CreateAsync(plan, changes, cancellationToken);
        if (Read(live) is not { } login)
            return RegistryOutcome.Refused(Unusable(RegistryBasis.LoginSecret(plan.Cluster)));
        if (RequestOf(plan) is not { } request || live.Metadata.Annotations?.GetValueOrDefault(RotatedForAnnotation) == request
            || login.HasFormer)
            return login;
        var next = login.Rotate();
        await PatchAsync(plan, live, next, Annotations(plan), cancellationToken);
        changes.Add(Changed(plan, ChangeVerb.Updated, "A new password was requested."));
        return next;
    }

    private async Task<StepResult<RegistryLogin>> CreateAsync(
        RegistryPlan plan, ICollection<Change> changes, CancellationToken cancellationToken)
    {
        var login = RegistryLogin.Generate();
        var name = RegistryBasis.LoginSecret(plan.Cluster);
        await management.CreateAsync(CoreResources.Secrets, new Secret
        {
            Metadata = new ObjectMeta
            {
                Namespace = name.Namespace,
                Name = name.Name,
                Labels = ObjectLabels.OfTrust(plan),
                Annotations = Annotations(plan),
                OwnerReferences = [plan.Owner],
            },
            Type = SecretKeys.OpaqueType,
            Data = DataOf(login),
        }, ObjectLabels.FieldManager, cancellationToken);
        changes.Add(Changed(plan, ChangeVerb.Created, "The registry had no login."));
        return login;
    }

    /// <summary>Under the resourceVersion that was read: two replicas must not rotate at once.</summary>
    private Task<Secret> PatchAsync(
        RegistryPlan plan, Secret live, RegistryLogin login, Dictionary<string, string> annotations, CancellationToken cancellationToken)
    {
        var patch = new JsonObject
        {
            ["metadata"] = new JsonObject
            {
                ["resourceVersion"] = live.Metadata.ResourceVersion,
                ["annotations"] = new JsonObject(
                    annotations.Select(entry => KeyValuePair.Create<string, JsonNode?>(entry.Key, entry.Value))),
            },
            ["data"] = new JsonObject(DataOf(login).Select(
                entry => KeyValuePair.Create<string, JsonNode?>(entry.Key, Convert.ToBase64String(entry.Value)))),
        };
        return management.MergePatchAsync(
            CoreResources.Secrets, RegistryBasis.LoginSecret(plan.Cluster), patch, ObjectLabels.FieldManager, cancellationToken);
    }

    private Task<Secret?> FindAsync(RegistryPlan plan, CancellationToken cancellationToken) =>
        management.FindAsync(CoreResources.Secrets, RegistryBasis.LoginSecret(plan.Cluster), cancellationToken);

    /// <summary>The login in a Secret; null when that is not ours or is incomplete.</summary>
    public static RegistryLogin? Read(Secret secret) => ObjectLabels.IsManaged(secret.Metadata) ? Load(secret) : null;

    /// <summary>The login that an admin put beside a list of accounts; null when a part is missing.</summary>
    public static NetworkCredential? ReadAccount(Secret secret) =>
        Text(secret, UserNameKey) is { Length: > 0 } userName && Text(secret, PasswordKey) is { Length: > 0 } password
            ? new NetworkCredential(userName, password) : null;

    /// <summary>The sentence for a Secret without a login.</summary>
    public static string Unusable(NamespacedName secret) =>
        $"The Secret {secret} is not ours or is incomplete; rename it, or delete it to get a new login.";

    private static RegistryLogin? Load(Secret secret) => RegistryLogin.Load(
        Text(secret, UserNameKey), Text(secret, PasswordKey), Text(secret, HtpasswdKey));

    private static string Text(Secret secret, string key) => Encoding.UTF8.GetString(secret.Value(key).Span);

    private static Dictionary<string, byte[]> DataOf(RegistryLogin login) => new()
    {
        [UserNameKey] = Encoding.ASCII.GetBytes(login.UserName),
        [PasswordKey] = Encoding.ASCII.GetBytes(login.Password),
        [HtpasswdKey] = Encoding.ASCII.GetBytes(login.Htpasswd),
        [RegistryBasis.MirrorLoginKey] = Encoding.ASCII.GetBytes($"{login.UserName}:{login.Password}"),
    };

    private Dictionary<string, string> Annotations(RegistryPlan plan)
    {
        var annotations = new Dictionary<string, string>
        {
            [SinceAnnotation] = KubernetesTime.Format(time.GetUtcNow()),
        };
        if (RequestOf(plan) is { } request)
            annotations[RotatedForAnnotation] = request;
        return annotations;
    }

    private static DateTimeOffset? Since(Secret secret) =>
        KubernetesTime.TryParse(secret.Metadata.Annotations?.GetValueOrDefault(SinceAnnotation), out var since) ? since : null;

    private static string? RequestOf(RegistryPlan plan) => plan.Cluster.Metadata.Annotations?.GetValueOrDefault(RequestAnnotation);

    private static Change Changed(RegistryPlan plan, ChangeVerb verb, string reason) =>
        new(verb, "Secret", RegistryBasis.LoginSecret(plan.Cluster).ToString(), false, reason);
}

using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Logins;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Registry.Release;

/// <summary>
/// The Secrets that the registry's pods mount beside the certificate: the key that signs uploads in progress, and a generated login. The
/// namespace exists once the certificate does.
/// </summary>
internal static class WorkloadSecrets
{
    private const int UploadKeyBytes = 32;

    /// <summary>Returns the outcome that ends the attempt; null when both are there.</summary>
    /// <param name="workload">Client of the workload cluster.</param>
    /// <param name="login">The login; null for none.</param>
    /// <param name="hasUploadKey">True when the key for uploads is known to be there.</param>
    /// <param name="changes">Takes what was changed.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    public static async Task<RegistryOutcome?> EnsureAsync(
        KubernetesClient workload, RegistryLogin? login, bool hasUploadKey, ICollection<Change> changes,
        CancellationToken cancellationToken)
    {
        if (!hasUploadKey)
            await EnsureUploadKeyAsync(workload, changes, cancellationToken);
        return login is null ? null
            : await OptimisticWrite.RunAsync(() => EnsureLoginAsync(workload, login, changes, cancellationToken));
    }

    /// <summary>
    /// Created when absent and never changed: an upload goes on after its registry was restarted only as long as the key is the same. One
    /// call, whether it is there or not.
    /// </summary>
    private static async Task EnsureUploadKeyAsync(
        KubernetesClient workload, ICollection<Change> changes, CancellationToken cancellationToken)
    {
        var key = RandomNumberGenerator.GetHexString(UploadKeyBytes * 2, lowercase: true);
        var data = new Dictionary<string, byte[]> { [ChartValues.UploadKey] = Encoding.ASCII.GetBytes(key) };
        try
        {
            await CreateAsync(workload, RegistryPlan.UploadSecret, data, cancellationToken);
            changes.Add(Changed(ChangeVerb.Created, RegistryPlan.UploadSecret, "There was no key for uploads."));
        }
        catch (KubernetesApiException exception) when (exception.Fault == KubernetesFault.AlreadyExists)
        {
            // It stays, whoever made it.
        }
    }

    private static async Task<RegistryOutcome?> EnsureLoginAsync(
        KubernetesClient workload, RegistryLogin login, ICollection<Change> changes, CancellationToken cancellationToken)
    {
        var name = RegistryPlan.LoginSecret;
        var live = await workload.FindAsync(CoreResources.Secrets, name, cancellationToken);
        if (live is null)
        {
            await CreateAsync(workload, name, DataOf(login), cancellationToken);
            changes.Add(Changed(ChangeVerb.Created, name, "There was no login."));
            return null;
        }

        if (!ObjectLabels.IsManaged(live.Metadata))
            return RegistryOutcome.Refused($"The Secret {name} on the workload cluster is not ours; delete or rename it.");
        var wanted = DataOf(login);
        if (wanted.All(entry => live.Value(entry.Key).Span.SequenceEqual(entry.Value)))
            return null;
        var data = new JsonObject(wanted.Select(
            entry => KeyValuePair.Create<string, JsonNode?>(entry.Key, Convert.ToBase64String(entry.Value))));
        await workload.MergePatchAsync(CoreResources.Secrets, name,
            new JsonObject { ["metadata"] = new JsonObject { ["resourceVersion"] = live.Metadata.ResourceVersion }, ["data"] = data },
            ObjectLabels.FieldManager, cancellationToken);
        changes.Add(Changed(ChangeVerb.Updated, name, "The accepted logins changed."));
        return null;
    }

    private static Task<Secret> CreateAsync(
        KubernetesClient workload, NamespacedName name, Dictionary<string, byte[]> data, CancellationToken cancellationToken) =>
        workload.CreateAsync(CoreResources.Secrets, new Secret
        {
            Metadata = new ObjectMeta { Namespace = name.Namespace, Name = name.Name, Labels = ObjectLabels.Workload },
            Type = SecretKeys.OpaqueType,
            Data = data,
        }, ObjectLabels.FieldManager, cancellationToken);

    private static Dictionary<string, byte[]> DataOf(RegistryLogin login) => new()
    {
        [LoginSecret.UserNameKey] = Encoding.ASCII.GetBytes(login.UserName),
        [LoginSecret.PasswordKey] = Encoding.ASCII.GetBytes(login.Password),
        [LoginSecret.HtpasswdKey] = Encoding.ASCII.GetBytes(login.Htpasswd),
    };

    private static Change Changed(ChangeVerb verb, NamespacedName name, string reason) =>
        new(verb, "Secret", name.ToString(), true, reason);
}

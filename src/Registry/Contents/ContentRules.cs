using System.Text.RegularExpressions;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Contents;

/// <summary>
/// What a RegistryContent has to fulfil beyond its schema. The definition says most of it too, but only API servers from 1.25 on read that.
/// </summary>
public static partial class ContentRules
{
    private const RegexOptions Linear = RegexOptions.CultureInvariant | RegexOptions.NonBacktracking;
    private static readonly string[] Days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

    /// <summary>Every value that can't be used, each with a fixed sentence; empty when all is well.</summary>
    /// <param name="content">The content.</param>
    /// <param name="sharedNamespaces">The namespaces whose contents may select Clusters of all namespaces.</param>
    public static IReadOnlyList<Problem> Validate(RegistryContent content, IReadOnlyList<string> sharedNamespaces) =>
        [.. FindProblems(content, sharedNamespaces)];

    private static IEnumerable<Problem> FindProblems(RegistryContent content, IReadOnlyList<string> sharedNamespaces)
    {
        if (!ContentArtifact.IsName(content.Metadata.Name))
            yield return Bad("metadata.name", $"must be a name of at most {ContentArtifact.LongestName} characters");
        if (content.Spec is not { } spec)
        {
            yield return Bad("spec", "is missing");
            yield break;
        }

        if (spec.AllNamespaces == true && !sharedNamespaces.Contains(content.Metadata.Namespace ?? ""))
            yield return Bad(
                "spec.allNamespaces", "is not allowed for this namespace; an admin allows it with --content-shared-namespaces");
        foreach (var version in spec.KubernetesVersions ?? [])
        {
            if (!Version().IsMatch(version ?? ""))
                yield return Bad("spec.kubernetesVersions", $"has {FieldText.Quote(version)}; write v1.35 or v1.35.2");
        }

        if (spec.Delivery is not (null or RegistryContentSpec.Push or RegistryContentSpec.Pull))
            yield return Bad("spec.delivery", "must be Push or Pull");
        if (spec is { Delivery: RegistryContentSpec.Pull, Source.Bundle: not null })
            yield return Bad("spec.delivery", "can't be Pull with a bundle, which only the syncer can read; set it to Push, or use a "
                + "registry as source");
        foreach (var problem in SourceProblems(spec).Concat(LockProblems(spec)).Concat(WindowProblems(spec))
            .Concat(spec.ClusterSelector?.Validate("spec.clusterSelector") ?? []))
            yield return problem;
    }

    private static IEnumerable<Problem> SourceProblems(RegistryContentSpec spec)
    {
        if (spec.Source is not { } source || source.Registry is null == source.Bundle is null)
        {
            yield return Bad("spec.source", "must have exactly one of registry and bundle");
            yield break;
        }

        if (source.Bundle is { } bundle && !IsPath(bundle.Path))
            yield return Bad("spec.source.bundle.path", "must be a relative path without ..");
        if (source.Registry is not { } registry)
            yield break;
        if (!Host().IsMatch(registry.Host ?? ""))
            yield return Bad("spec.source.registry.host", "must be host or host:port");
        if (registry.Prefix is { Length: > 0 } prefix && !Repository().IsMatch(prefix))
            yield return Bad("spec.source.registry.prefix", "must be a path of lower-case components between slashes");
        if (registry.Layout is not (null or "Path" or "Host"))
            yield return Bad("spec.source.registry.layout", "must be Path or Host");
        foreach (var (field, secret) in new[] { ("credentialsSecretRef", registry.CredentialsSecretRef),
            ("caSecretRef", registry.CaSecretRef) })
        {
            if (secret is not null && !KubernetesNames.IsSubdomain(secret.Name))
                yield return Bad($"spec.source.registry.{field}.name", "must be the name of a Secret");
        }
    }

    private static IEnumerable<Problem> LockProblems(RegistryContentSpec spec)
    {
        if (spec.Lock is not { } @lock)
        {
            if (spec.Source?.Registry is not null)
                yield return Bad("spec.lock", "is missing; only a bundle brings its own");
            yield break;
        }

        var ways = new object?[] { @lock.Content, @lock.ConfigMapRef, @lock.Artifact }.Count(way => way is not null);
        if (ways != 1)
            yield return Bad("spec.lock", "must have exactly one of content, configMapRef and artifact");
        if (@lock.Content is { Count: 0 })
            yield return Bad("spec.lock.content", "must name something");
        if (@lock.ConfigMapRef is { } map && !KubernetesNames.IsSubdomain(map.Name))
            yield return Bad("spec.lock.configMapRef.name", "must be the name of a ConfigMap");
        if (@lock.Artifact is { } artifact
            && (!Repository().IsMatch(artifact.Repository ?? "") || !Digest().IsMatch(artifact.Digest ?? "")))
            yield return Bad("spec.lock.artifact", "must have a repository and a digest");
        if (@lock.Artifact is not null && spec.Source?.Bundle is not null)
            yield return Bad("spec.lock.artifact", "needs a registry as source");
    }

    private static IEnumerable<Problem> WindowProblems(RegistryContentSpec spec) => (spec.Windows ?? [])
        .Where(window => !TimeOfDay().IsMatch(window?.From ?? "") || !TimeOfDay().IsMatch(window?.To ?? "")
            || window!.Days?.All(Days.Contains) == false)
        .Select(_ => Bad("spec.windows", "must have from and to as hh:mm, and days as Mon to Sun"));

    private static bool IsPath(string? path) => path is { Length: > 0 and <= 512 } && FilePath().IsMatch(path)
        && path.Split('/').All(part => part is not ("" or "." or ".."));

    private static Problem Bad(string field, string what) => new(field, $"The field {field} {what}.");

    [GeneratedRegex(@"\Av[0-9]{1,3}\.[0-9]{1,3}(\.[0-9]{1,3}(-[0-9A-Za-z.-]{1,64})?(\+[0-9A-Za-z.-]{1,64})?)?\z", Linear)]
    private static partial Regex Version();

    [GeneratedRegex(@"\A([A-Za-z0-9][A-Za-z0-9.-]{0,252}|\[[0-9a-fA-F:.]{2,45}\])(:[0-9]{1,5})?\z", Linear)]
    private static partial Regex Host();

    [GeneratedRegex(@"\A[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*(/[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*)*\z", Linear)]
    private static partial Regex Repository();

    [GeneratedRegex(@"\A(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})\z", Linear)]
    private static partial Regex Digest();

    [GeneratedRegex(@"\A([01][0-9]|2[0-3]):[0-5][0-9]\z", Linear)]
    private static partial Regex TimeOfDay();

    [GeneratedRegex(@"\A[A-Za-z0-9._/+-]+\z", Linear)]
    private static partial Regex FilePath();
}

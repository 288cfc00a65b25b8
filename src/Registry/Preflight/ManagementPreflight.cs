using System.Text.Json;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Outcomes;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Preflight;

/// <summary>What a Cluster needs of the management cluster.</summary>
internal sealed class ManagementPreflight(KubernetesClient management, RegistryOptions options, InstalledService service)
{
    private const string AddOnCrd = "helmchartproxies.addons.cluster.x-k8s.io";
    private const string ProviderLabel = "cluster.x-k8s.io/provider";
    private const string CoreImage = "cluster-api-controller";
    private const string AddOnImage = "cluster-api-helm-controller";

    /// <summary>The minor versions of Cluster API that this version is tested with.</summary>
    private static readonly int[] TestedMinors = [12, 13, 14];

    private static readonly ResourceType<UnstructuredObject> Deployments =
        UnstructuredObject.Resource("apps", "v1", "deployments", "Deployment");

    private static readonly ResourceType<UnstructuredObject> Reviews =
        UnstructuredObject.Resource("authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview", namespaced: false)
            with { IsReview = true };

    /// <summary>What the service does in the Cluster's namespace, as in the table of docs/security.md.</summary>
    private static readonly (string Group, string Resource, string[] Verbs)[] Rights =
    [
        ("", "secrets", ["get", "create", "patch"]),
        (RegistryResources.ClusterGroup, "clusters", ["get", "list", "patch"]),
        (RegistryResources.ClusterGroup, "machines", ["list"]),
        ("addons.cluster.x-k8s.io", "helmchartproxies", ["get", "list", "create", "patch", "delete"]),
        ("events.k8s.io", "events", ["create"]),
    ];

    public async Task<IReadOnlyList<PreflightFinding>> RunAsync(Cluster cluster, CancellationToken cancellationToken)
    {
        var found = await Task.WhenAll(
            GuardAsync("cluster-api", CheckProvidersAsync(cancellationToken)),
            GuardAsync("add-on-provider", CheckAddOnCrdAsync(cancellationToken)),
            GuardAsync("runtime-extension", CheckExtensionAsync(cluster, cancellationToken)),
            GuardAsync("cluster-class", CheckClassAsync(cluster, cancellationToken)),
            GuardAsync("rights", CheckRightsAsync(cluster, cancellationToken)));
        return [.. found.SelectMany(findings => findings)];
    }

    /// <summary>What can't be found out is a finding too: each check stands for itself.</summary>
    private static async Task<IReadOnlyList<PreflightFinding>> GuardAsync(string check, Task<IReadOnlyList<PreflightFinding>> run)
    {
        try
        {
            return await run;
        }
        catch (KubernetesApiException exception)
        {
            return [PreflightFinding.Warn(
                check, FaultSentences.OfManagementForCommand(exception),
                "run this with a kubeconfig that may read it, or check it by hand.")];
        }
    }

    /// <summary>The controllers carry their version in the image's tag and their feature gates in the arguments.</summary>
    private async Task<IReadOnlyList<PreflightFinding>> CheckProvidersAsync(CancellationToken cancellationToken)
    {
        var containers = new List<JsonElement>();
        await foreach (var deployment in management.ListAsync(
            Deployments, new ListOptions { LabelSelector = ProviderLabel }, cancellationToken))
            containers.AddRange(deployment.List("spec.template.spec.containers"));
        var core = containers.Find(container => NameOf(container) == CoreImage);
        var addOn = containers.Find(container => NameOf(container) == AddOnImage);
        return [JudgeCore(core), .. JudgeGates(core), JudgeAddOn(addOn)];
    }

    private static PreflightFinding JudgeCore(JsonElement container) => TagOf(container) switch
    {
        null => PreflightFinding.Warn("cluster-api",
            $"There is no Deployment labelled {ProviderLabel} with the image {CoreImage}, so its version is not known.",
            "check that Cluster API 1.12 to 1.14 is installed."),
        var tag when MinorOf(tag) is not { } minor || !TestedMinors.Contains(minor) => PreflightFinding.Warn("cluster-api",
            $"Cluster API has the version {FieldText.Quote(tag)}, which this version was not tested with.", "use 1.12, 1.13 or 1.14."),
        var tag => PreflightFinding.Pass("cluster-api", $"Cluster API {tag}."),
    };

    private static IEnumerable<PreflightFinding> JudgeGates(JsonElement container)
    {
        if (container.ValueKind == JsonValueKind.Undefined)
            yield break;
        var gates = container.Find("args").Elements().Concat(container.Find("command").Elements())
            .Select(argument => argument.Text()).OfType<string>()
            .Where(argument => argument.StartsWith("--feature-gates=", StringComparison.Ordinal))
            .SelectMany(argument => argument["--feature-gates=".Length..].Split(',')).ToHashSet(StringComparer.Ordinal);
        foreach (var (gate, variable) in new[] { ("ClusterTopology", "CLUSTER_TOPOLOGY"), ("RuntimeSDK", "EXP_RUNTIME_SDK") })
        {
            yield return gates.Contains($"{gate}=true")
                ? PreflightFinding.Pass("feature-gates", $"{gate} is on.")
                : PreflightFinding.Fail(
                    "feature-gates", $"Cluster API runs without the feature gate {gate}=true and does not call the service.",
                    $"set {variable}=true and install Cluster API again, or add the gate to the arguments of its Deployment.");
        }
    }

    private static PreflightFinding JudgeAddOn(JsonElement container) => TagOf(container) is { } tag
        ? PreflightFinding.Pass("add-on-provider", $"The add-on provider for Helm {tag}.")
        : PreflightFinding.Warn("add-on-provider",
            $"There is no Deployment labelled {ProviderLabel} with the image {AddOnImage}, which installs the chart.",
            "check that it runs: clusterctl init --addon helm.");

    private async Task<IReadOnlyList<PreflightFinding>> CheckAddOnCrdAsync(CancellationToken cancellationToken)
    {
        try
        {
            await management.ListFirstAsync(RegistryResources.HelmChartProxyHeaders, new ListOptions(), 1, cancellationToken);
            return [PreflightFinding.Pass("add-on-crd", "The kind HelmChartProxy is there.")];
        }
        catch (KubernetesApiException exception) when (exception.Fault == KubernetesFault.NotFound)
        {
            return [PreflightFinding.Fail("add-on-crd", $"The management cluster does not have {AddOnCrd}.",
                "install the add-on provider for Helm: clusterctl init --addon helm.")];
        }
    }

    /// <summary>Cluster API calls a service whose handlers it has discovered.</summary>
    private async Task<IReadOnlyList<PreflightFinding>> CheckExtensionAsync(Cluster cluster, CancellationToken cancellationToken)
    {
        var found = await FindExtensionAsync(cluster, cancellationToken);
        if (found is null)
            return [PreflightFinding.Fail("runtime-extension", $"There is no ExtensionConfig {service.ExtensionConfig}.",
                "install the service's chart with extensionConfig.enabled, or name the right one with --extension-config.")];
        if (found.List("status.handlers")
            .Any(handler => handler.Text("name")?.StartsWith("generatepatches-", StringComparison.Ordinal) == true))
            return [PreflightFinding.Pass("runtime-extension", $"Cluster API has discovered the handlers of {service.ExtensionConfig}.")];
        var reason = found.List("status.conditions").FirstOrDefault(condition => condition.Text("type") == "Discovered").Text("message");
        return [PreflightFinding.Fail("runtime-extension",
            $"Cluster API has not discovered the handlers of {service.ExtensionConfig}"
                + (reason is null ? "." : $": {FieldText.Sentence(reason)}"),
            "see the pods and the serving certificate of the service, and the condition Discovered of the ExtensionConfig.")];
    }

    private async Task<UnstructuredObject?> FindExtensionAsync(Cluster cluster, CancellationToken cancellationToken)
    {
        // Served as v1alpha1 and v1beta2 side by side since Cluster API 1.11.
        var versions = RegistryResources.ClusterVersion(cluster) == RegistryResources.OldestClusterVersion
            ? new[] { "v1alpha1", "v1beta2" } : ["v1beta2", "v1alpha1"];
        try
        {
            return await FindAsync(versions[0]);
        }
        catch (KubernetesApiException exception) when (exception.Fault == KubernetesFault.NotFound)
        {
            return await FindAsync(versions[1]);
        }

        Task<UnstructuredObject?> FindAsync(string version) => management.FindAsync(
            UnstructuredObject.Resource("runtime.cluster.x-k8s.io", version, "extensionconfigs", "ExtensionConfig", namespaced: false),
            NamespacedName.Cluster(service.ExtensionConfig), cancellationToken);
    }

    private async Task<IReadOnlyList<PreflightFinding>> CheckClassAsync(Cluster cluster, CancellationToken cancellationToken)
    {
        var topology = cluster.Spec?.Topology;
        if ((topology?.ClassRef?.Name ?? topology?.Class) is not { Length: > 0 } name)
            return [PreflightFinding.Fail("cluster-class", "The Cluster has no topology with a ClusterClass.",
                "create the Cluster from a ClusterClass: variables and patches exist only there.")];
        var place = new NamespacedName(topology?.ClassRef?.Namespace ?? topology?.ClassNamespace ?? cluster.Name.Namespace, name);
        var type = UnstructuredObject.Resource(
            RegistryResources.ClusterGroup, RegistryResources.ClusterVersion(cluster), "clusterclasses", "ClusterClass");
        var isName = KubernetesNames.IsSubdomain(place.Name) && KubernetesNames.IsLabel(place.Namespace);
        return isName && await management.FindAsync(type, place, cancellationToken) is { } found
            ? ClassWiring.Judge(found, place, service.ExtensionConfig, options.VariableName)
            : [PreflightFinding.Fail(
                "cluster-class", $"There is no ClusterClass {FieldText.Sentence(place.ToString())}.", "create it before the Cluster.")];
    }

    /// <summary>What the service's own account may do: the API server is asked, so any way of granting counts.</summary>
    private async Task<IReadOnlyList<PreflightFinding>> CheckRightsAsync(Cluster cluster, CancellationToken cancellationToken)
    {
        var asked = Rights.SelectMany(right => right.Verbs.Select(verb => (right.Group, right.Resource, Verb: verb))).ToList();
        var allowed = await Task.WhenAll(asked.Select(right =>
            IsAllowedAsync(cluster.Name.Namespace, right.Group, right.Resource, right.Verb, cancellationToken)));
        var missing = asked.Where((_, index) => !allowed[index]).Select(right => $"{right.Verb} {right.Resource}").ToList();
        return [missing.Count == 0
            ? PreflightFinding.Pass("rights", $"The service may do all that it does in the namespace {cluster.Name.Namespace}.")
            : PreflightFinding.Fail("rights",
                $"The account {options.HookNamespace}/{service.ServiceAccount} may not {string.Join(", ", missing)} in the namespace "
                    + $"{cluster.Name.Namespace}.",
                "install the chart with rbac.create, add the namespace to rbac.namespaces, or name the right account with "
                    + "--hook-namespace and --service-account.")];
    }

    private async Task<bool> IsAllowedAsync(
        string @namespace, string group, string resource, string verb, CancellationToken cancellationToken)
    {
        var review = await management.CreateAsync(Reviews, new UnstructuredObject
        {
            ApiVersion = Reviews.ApiVersion,
            Kind = Reviews.Kind,
            Fields = new Dictionary<string, JsonElement>
            {
                ["spec"] = AccessReview.Write(options.HookNamespace, service.ServiceAccount, @namespace, group, resource, verb),
            },
        }, ObjectLabels.FieldManager, cancellationToken);
        return review.Find("status.allowed").ValueKind == JsonValueKind.True;
    }

    /// <summary>The last part of an image's name, without registry, tag and digest.</summary>
    private static string? NameOf(JsonElement container) =>
        container.Text("image")?.Split('@')[0].Split('/')[^1].Split(':')[0];

    private static string? TagOf(JsonElement container) =>
        container.Text("image")?.Split('@')[0].Split('/')[^1].Split(':') is [_, var tag] ? tag : null;

    private static int? MinorOf(string tag) =>
        tag.TrimStart('v').Split('.') is ["1", var minor, ..] && int.TryParse(minor, out var number) ? number : null;
}

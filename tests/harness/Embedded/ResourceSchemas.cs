using static CapiRegistryHook.Harness.Embedded.FieldSchema;

namespace CapiRegistryHook.Harness.Embedded;

/// <summary>
/// The fields of the resources in <see cref="ResourceTable"/>. HelmChartProxy follows CAAPH's CRD (its defaults and atomic selector too); a
/// Cluster's spec is left open, because the tests carry Clusters of several Cluster API versions.
/// </summary>
internal static class ResourceSchemas
{
    private static readonly FieldSchema OwnerReference = Struct(
        ("apiVersion", Text), ("kind", Text), ("name", Text), ("uid", Text), ("controller", Flag), ("blockOwnerDeletion", Flag));

    public static readonly FieldSchema Metadata = Struct(
        ("name", Text), ("generateName", Text), ("namespace", Text), ("uid", Text), ("resourceVersion", Text), ("generation", Integer),
        ("selfLink", Text),
        ("creationTimestamp", Time), ("deletionTimestamp", Time), ("deletionGracePeriodSeconds", Integer), ("labels", MapOf(Text)),
        ("annotations", MapOf(Text)), ("ownerReferences", ListByKey(OwnerReference, "uid")), ("finalizers", SetOf(Text)),
        ("managedFields", ListOf(Any)));

    private static readonly FieldSchema ObjectReference = Struct(
        ("kind", Text), ("namespace", Text), ("name", Text), ("uid", Text), ("apiVersion", Text), ("resourceVersion", Text),
        ("fieldPath", Text));

    private static readonly FieldSchema Source = Struct(("component", Text), ("host", Text));
    private static readonly FieldSchema Series = Struct(("count", Integer), ("lastObservedTime", MicroTime));

    public static readonly FieldSchema Namespace = Root(
        ("spec", Struct(("finalizers", ListOf(Text)))),
        ("status", Struct(("phase", Text), ("conditions", ListByKey(Any, "type")))));

    public static readonly FieldSchema Secret = Root(
        ("data", MapOf(Bytes)), ("stringData", MapOf(Text)), ("type", Text), ("immutable", Flag));

    public static readonly FieldSchema ConfigMap = Root(("data", MapOf(Text)), ("binaryData", MapOf(Bytes)), ("immutable", Flag));

    public static readonly FieldSchema ServiceAccount = Root(
        ("secrets", ListByKey(ObjectReference, "name")), ("imagePullSecrets", ListOf(Struct(("name", Text)))),
        ("automountServiceAccountToken", Flag));

    public static readonly FieldSchema Lease = Root(("spec", Struct(
        ("holderIdentity", Text), ("leaseDurationSeconds", Integer), ("acquireTime", MicroTime), ("renewTime", MicroTime),
        ("leaseTransitions", Integer))));

    public static readonly FieldSchema CoreEvent = Root(
        ("involvedObject", ObjectReference), ("reason", Text), ("message", Text), ("source", Source), ("firstTimestamp", Time),
        ("lastTimestamp", Time),
        ("count", Integer), ("type", Text), ("eventTime", MicroTime), ("series", Series), ("action", Text), ("related", ObjectReference),
        ("reportingComponent", Text), ("reportingInstance", Text));

    public static readonly FieldSchema Event = Root(
        ("regarding", ObjectReference), ("reason", Text), ("note", Text), ("deprecatedSource", Source), ("deprecatedFirstTimestamp", Time),
        ("deprecatedLastTimestamp", Time), ("deprecatedCount", Integer), ("type", Text), ("eventTime", MicroTime), ("series", Series),
        ("action", Text), ("related", ObjectReference), ("reportingController", Text), ("reportingInstance", Text));

    public static readonly FieldSchema Open = Root(("spec", Struct().Open()), ("status", Struct().Open()));

    private static readonly FieldSchema Condition = Struct(
        ("type", Text), ("status", Text.OneOf("True", "False", "Unknown")), ("reason", Text), ("message", Text),
        ("lastTransitionTime", Time),
        ("observedGeneration", Integer)).Requiring("type", "status", "reason", "message", "lastTransitionTime");

    /// <summary>Each entry of the conditions has an owner of its own.</summary>
    public static readonly FieldSchema Cluster = Root(
        ("spec", Struct().Open()), ("status", Struct(("conditions", ListByKey(Condition, "type"))).Open()));

    /// <summary>The same where <c>status.conditions</c> is one value with one owner, and the list of many owners lies deeper.</summary>
    public static readonly FieldSchema FormerCluster = Root(
        ("spec", Struct().Open()),
        ("status", Struct(("v1beta2", Struct(("conditions", ListByKey(Condition, "type"))).Open())).Open()));

    public static readonly FieldSchema StorageClass = Root(
        ("provisioner", Text), ("parameters", MapOf(Text)), ("reclaimPolicy", Text), ("volumeBindingMode", Text),
        ("allowVolumeExpansion", Flag));

    private static readonly FieldSchema SecretReference = Struct(("name", Text), ("namespace", Text)).AsAtomic();

    private static readonly FieldSchema ClusterSelector = Struct(
        ("matchLabels", MapOf(Text)),
        ("matchExpressions", ListOf(Struct(("key", Text), ("operator", Text), ("values", ListOf(Text))).Requiring("key", "operator"))))
            .AsAtomic();

    private static readonly FieldSchema HelmOptions = Struct(
        ("atomic", Flag), ("dependencyUpdate", Flag), ("disableHooks", Flag), ("disableOpenAPIValidation", Flag),
        ("enableClientCache", Flag.WithDefault(false)),
        ("install", Struct(("createNamespace", Flag.WithDefault(true)), ("includeCRDs", Flag))),
        ("options", Flag), ("skipCRDs", Flag), ("takeOwnership", Flag), ("timeout", Text),
        ("uninstall", Struct(("description", Text), ("keepHistory", Flag))),
        ("upgrade", Struct(("cleanupOnFail", Flag), ("force", Flag), ("maxHistory", Integer.WithDefault(10)), ("recreate", Flag),
            ("resetThenReuseValues", Flag), ("resetValues", Flag), ("reuseValues", Flag))),
        ("wait", Flag), ("waitForJobs", Flag));

    public static readonly FieldSchema HelmChartProxy = Root(
        ("spec", Struct(
            ("chartName", Text), ("clusterSelector", ClusterSelector),
            ("credentials", Struct(("key", Text), ("secret", SecretReference)).Requiring("key", "secret")),
            ("namespace", Text), ("options", HelmOptions), ("reconcileStrategy", Text.OneOf("", "InstallOnce", "Continuous")),
            ("releaseName", Text), ("repoURL", Text),
            ("tlsConfig", Struct(("caSecret", SecretReference), ("insecureSkipTLSVerify", Flag))),
            ("valuesTemplate", Text), ("version", Text)).Requiring("chartName", "clusterSelector", "repoURL")),
        ("status", Struct().Open()));

    public static readonly FieldSchema ExtensionConfig = Root(
        ("spec", Struct(("clientConfig", Struct(("caBundle", Bytes)).Open())).Open()),
        ("status", Struct().Open()));

    public static readonly FieldSchema RegistryContent = Root(
        ("spec", Struct().Open()),
        ("status", Struct(
            ("observedGeneration", Integer), ("lock", Struct(("digest", Text), ("entries", Integer))),
            ("clusters", Struct(("matched", Integer), ("complete", Integer), ("failing", Integer))),
            ("failing", ListOf(Struct(("cluster", Text), ("reason", Text)))), ("lastSyncTime", Time),
            ("conditions", ListByKey(Struct(
                ("type", Text), ("status", Text), ("reason", Text), ("message", Text), ("observedGeneration", Integer),
                ("lastTransitionTime", Time)).Requiring("type"), "type")))));

    public static readonly FieldSchema MutatingWebhookConfiguration = Root(("webhooks", ListByKey(
        Struct(("name", Text), ("clientConfig", Struct(("caBundle", Bytes), ("url", Text)).Open())).Open(), "name")));

    private static FieldSchema Root(params (string Name, FieldSchema Schema)[] fields) =>
        Struct([("apiVersion", Text), ("kind", Text), ("metadata", Metadata), .. fields]);
}

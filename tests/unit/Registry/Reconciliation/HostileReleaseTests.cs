using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Inspection;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Reconciliation;
using CapiRegistryHook.Registry.Release;

namespace CapiRegistryHook.Unit.Tests.Registry.Reconciliation;

/// <summary>
/// HelmChartProxies that somebody edited. The status of the whole fleet and the dashboard read all of them, so none may end the program.
/// </summary>
public sealed class HostileReleaseTests
{
    private const string Prefix = "capi-registry-hook.io/";

    private static readonly DateTimeOffset Now = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly string[] Texts =
    [
        "", " ", "x", "\0", "é\u202e", "null", "[]", "{}", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "9998-12-31T23:59:59Z",
        "2026-01-01T00:00:00Z", "-1", "1e999", new string('9', 70_000), new string('[', 50_000), """{"a":"\ud800"}""",
        """{"image":{"tag":"\ud800"}}""", """{"image":{"\ud800":"x"}}""", """{"storage":null,"replicas":"x"}""",
        """{"read":"9999-12-31T23:59:59Z","volumes":[null]}""", """{"read":"\ud800","volumes":[]}""",
        """{"read":"2026-01-01T00:00:00Z","volumes":[{"pod":"\ud800","capacity":9223372036854775807,"used":-1}]}""",
    ];

    private static readonly string[] Templates =
    [
        "", "x", "[]", "{", "storage: [1]", "storage: {size: {a: b}, type: [pvc]}", "storage: {size: \"\\ud800\", type: pvc}",
        "storage: {type: pvc, accessModes: x}", "service: {clusterIPs: {a: b}}\nprimaryService: []",
        "service: {clusterIPs: [1, null, \"::1\"]}\nprimaryService: {clusterIPs: [[]]}", "replicas: 1e999", "? [a]\n: b", "a: &a [*a]",
        "podAnnotations: []", "? {{ .x }}", new string('{', 3000), "pullThrough: {upstreams: [null, {name: 1}, []]}",
        "pullThrough: {upstreams: {a: b}}", "a: 1\n---\nb: 2",
    ];

    public static TheoryData<string, int> Annotations
    {
        get
        {
            var data = new TheoryData<string, int>();
            foreach (var name in (string[])["release-revision", "release-since", "release-served", "release-admin-values", "volumes",
                "certificate-serial", "certificate-issuer", "certificate-not-before", "certificate-not-after", "certificate-served",
                "asked-by", "login"])
            {
                for (var index = 0; index < Texts.Length; index++)
                    data.Add(name, index);
            }

            return data;
        }
    }

    public static TheoryData<int> ValuesTemplates => [.. Enumerable.Range(0, Templates.Length)];

    [Theory]
    [MemberData(nameof(Annotations))]
    public void Read_AnyAnnotation_IsJudged(string name, int text) => Read(Release("", Prefix + name, Texts[text]));

    [Theory]
    [MemberData(nameof(ValuesTemplates))]
    public void Read_AnyValues_AreJudged(int template) => Read(Release(Templates[template], Prefix + "x", ""));

    private static void Read(HelmChartProxy release)
    {
        var facts = new ClusterFacts(Clusters.With(), release, new Dictionary<string, int>());

        var detail = ClusterDetailFactory.Create(facts, null, [], new RegistryOptions(), Now);
        var marked = ClusterStatusFactory.MarkRollout([detail.Summary], new RegistryOptions(), Now);
        var newest = ReleaseRevision.Of(release.Spec!, release.Metadata.Annotations![ReleaseProgress.AdminValuesKey]);
        var preview = UpgradePreview.Create(facts.Cluster, release, newest, new RegistryOptions());

        Assert.Single(marked);
        Assert.NotEmpty(preview.Changes);
    }

    private static HelmChartProxy Release(string template, string annotation, string text)
    {
        var record = new CapiRegistryHook.Registry.ServerCertificates.CertificateRecord(
            "0a", "0123456789abcdef", Now.AddDays(-1), Now.AddDays(700), "ECDSA-P256", "digest") { Served = "0a" };
        var annotations = record.ToAnnotations();
        new ReleaseProgress("0123", Now.AddDays(-1)) { Served = "0123" }.AddTo(annotations);
        annotations[ReleaseProgress.AdminValuesKey] = "{}";
        annotations[annotation] = text;
        return new HelmChartProxy
        {
            Metadata = new ObjectMeta { Namespace = "team-a", Name = "c1-registry", Annotations = annotations },
            Spec = new HelmChartProxySpec
            {
                ClusterSelector = new LabelSelector(new Dictionary<string, string>()), RepoURL = "oci://x", ChartName = "registry",
                ValuesTemplate = template,
            },
        };
    }
}

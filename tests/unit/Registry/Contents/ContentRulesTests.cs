using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Contents;

namespace CapiRegistryHook.Unit.Tests.Registry.Contents;

public sealed class ContentRulesTests
{
    private static readonly RegistryContent Valid = new()
    {
        Metadata = new ObjectMeta { Name = "base", Namespace = "team-a" },
        Spec = new RegistryContentSpec
        {
            Source = new ContentSource(new RegistrySourceSpec { Host = "registry.example.com:5000", Prefix = "mirror/eu" }),
            Lock = new ContentLock { Content = ["registry.k8s.io/pause:3.10"] },
            KubernetesVersions = ["v1.35", "v1.35.2"],
            Windows = [new SyncWindow("22:00", "05:00", ["Sat", "Sun"])],
        },
    };

    private static RegistryContentSpec Spec => Valid.Spec!;

    public static TheoryData<string, string> Refused
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var (name, _) in Cases())
                data.Add(name, name.Split(' ')[0]);
            return data;
        }
    }

    [Fact]
    public void Validate_Valid_FindsNothing() => Assert.Empty(ContentRules.Validate(Valid, []));

    [Fact]
    public void Validate_BundleWithoutLock_FindsNothing() => Assert.Empty(ContentRules.Validate(
        Valid with { Spec = Spec with { Source = new ContentSource(Bundle: new BundleSourceSpec("v1.35/images.tar")), Lock = null } }, []));

    [Theory]
    [MemberData(nameof(Refused))]
    public void Validate_WrongValue_IsNamedByItsField(string name, string field)
    {
        var content = Cases().Single(entry => entry.Name == name).Content;

        var problem = Assert.Single(ContentRules.Validate(content, []));
        Assert.Equal(field, problem.Field);
        Assert.StartsWith($"The field {field} ", problem.Sentence, StringComparison.Ordinal);
    }

    /// <summary>Only the syncer can read a bundle, so no registry can fetch it.</summary>
    [Fact]
    public void Validate_PullFromABundle_NamesTheRemedy() => Assert.Equal("The field spec.delivery can't be Pull with a bundle, which only "
        + "the syncer can read; set it to Push, or use a registry as source.", Assert.Single(ContentRules.Validate(With(spec => spec with
    {
        Delivery = RegistryContentSpec.Pull, Source = new ContentSource(Bundle: new BundleSourceSpec("a.tar")),
    }), [])).Sentence);

    [Fact]
    public void Validate_Pull_FindsNothing() =>
        Assert.Empty(ContentRules.Validate(With(spec => spec with { Delivery = RegistryContentSpec.Pull }), []));

    [Fact]
    public void Validate_AllNamespacesWhereAllowed_FindsNothing() =>
        Assert.Empty(ContentRules.Validate(Valid with { Spec = Spec with { AllNamespaces = true } }, ["team-a"]));

    private static IEnumerable<(string Name, RegistryContent Content)> Cases()
    {
        yield return ("metadata.name", Valid with { Metadata = Valid.Metadata with { Name = new string('a', 62) + ".b" } });
        yield return ("spec", Valid with { Spec = null });
        yield return ("spec.allNamespaces", With(spec => spec with { AllNamespaces = true }));
        yield return ("spec.kubernetesVersions", With(spec => spec with { KubernetesVersions = ["1.35"] }));
        yield return ("spec.source none", With(spec => spec with { Source = new ContentSource() }));
        yield return ("spec.source both",
            With(spec => spec with { Source = spec.Source! with { Bundle = new BundleSourceSpec("a.tar") } }));
        foreach (var path in new[] { "/etc/passwd", "../other/a.tar", "a/../../b", "a//b", "" })
            yield return ($"spec.source.bundle.path {path}",
                With(spec => spec with { Source = new ContentSource(Bundle: new BundleSourceSpec(path)) }));
        foreach (var host in new[] { "https://a", "a/b", "a b", "user@a", "", "a:99999999" })
            yield return ($"spec.source.registry.host {host}", WithRegistry(registry => registry with { Host = host }));
        yield return ("spec.source.registry.prefix", WithRegistry(registry => registry with { Prefix = "../a" }));
        yield return ("spec.source.registry.layout", WithRegistry(registry => registry with { Layout = "Flat" }));
        yield return ("spec.source.registry.credentialsSecretRef.name",
            WithRegistry(registry => registry with { CredentialsSecretRef = new SecretRef("a/b") }));
        yield return ("spec.source.registry.caSecretRef.name", WithRegistry(registry => registry with { CaSecretRef = new SecretRef("") }));
        yield return ("spec.lock missing", With(spec => spec with { Lock = null }));
        yield return ("spec.lock two", With(spec => spec with
        {
            Lock = new ContentLock { Content = ["a"], ConfigMapRef = new ConfigMapKeyRef("a") },
        }));
        yield return ("spec.lock.content", With(spec => spec with { Lock = new ContentLock { Content = [] } }));
        yield return ("spec.lock.configMapRef.name",
            With(spec => spec with { Lock = new ContentLock { ConfigMapRef = new ConfigMapKeyRef("A") } }));
        yield return ("spec.lock.artifact",
            With(spec => spec with { Lock = new ContentLock { Artifact = new LockArtifactRef("a", "latest") } }));
        yield return ("spec.delivery", With(spec => spec with { Delivery = "pull" }));
        yield return ("spec.delivery bundle", With(spec => spec with
        {
            Delivery = RegistryContentSpec.Pull, Source = new ContentSource(Bundle: new BundleSourceSpec("a.tar")),
        }));
        yield return ("spec.windows", With(spec => spec with { Windows = [new SyncWindow("24:00", "05:00")] }));
        yield return ("spec.windows days", With(spec => spec with { Windows = [new SyncWindow("22:00", "05:00", ["Montag"])] }));
        yield return ("spec.clusterSelector.matchExpressions[0]", With(spec => spec with
        {
            ClusterSelector = new ClusterSelector(MatchExpressions: [new LabelRequirement("env", "Near", ["a"])]),
        }));
    }

    private static RegistryContent With(Func<RegistryContentSpec, RegistryContentSpec> change) => Valid with { Spec = change(Spec) };

    private static RegistryContent WithRegistry(Func<RegistrySourceSpec, RegistrySourceSpec> change) =>
        With(spec => spec with { Source = new ContentSource(change(spec.Source!.Registry!)) });
}

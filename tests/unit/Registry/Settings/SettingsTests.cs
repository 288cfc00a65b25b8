using System.Text.Json;
using System.Text.RegularExpressions;
using CapiRegistryHook.Registry.Settings;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Unit.Tests.Registry.Settings;

public sealed class SettingsTests
{
    private const string Path = "clusterConfig.addons.registry";

    [Fact]
    public void Read_EmptyObject_LeavesToTheAdminWhatIsTheAdmins()
    {
        var settings = Read("{}");

        Assert.Null(settings.Replicas);
        Assert.Null(settings.StorageSize);
        Assert.Null(settings.StorageClassName);
        Assert.Null(settings.Algorithm);
        Assert.Null(settings.AuthSecretName);
        Assert.Equal(new ResourceSettings(), settings.Resources);
        Assert.Equal(new MirrorSettings { Mode = MirrorMode.Default, DialTimeout = "1s" }, settings.Mirror);
    }

    [Fact]
    public void Read_EveryField_IsTaken()
    {
        var settings = Read("""
            { "provider": "CNCF Distribution", "replicas": 3,
              "storage": { "size": "50Gi", "storageClassName": "fast" },
              "addresses": { "pull": ["10.96.1.1"], "primary": ["10.96.1.2"] },
              "certificate": { "algorithm": "RSA-3072", "extraNames": ["registry.example.com"] },
              "mirror": { "mode": "perUpstream", "upstreams": ["docker.io", "registry.example.com:5000"], "strict": true, "dialTimeout": "500ms", "containerdConfig": "none" },
              "resources": { "requests": { "cpu": "100m", "memory": "256Mi" }, "limits": { "cpu": "0.5", "memory": "1Gi" } } }
            """);

        Assert.Equal(
            (3, "50Gi", "fast", "RSA-3072"), (settings.Replicas, settings.StorageSize, settings.StorageClassName, settings.Algorithm));
        Assert.Equal(["10.96.1.1", "10.96.1.2", "registry.example.com"],
            [.. settings.PullAddresses, .. settings.PrimaryAddresses, .. settings.ExtraNames]);
        Assert.Equal((MirrorMode.PerUpstream, true, "500ms", ContainerdConfig.None),
            (settings.Mirror.Mode, settings.Mirror.Strict, settings.Mirror.DialTimeout, settings.Mirror.ContainerdConfig));
        Assert.Equal(["docker.io", "registry.example.com:5000"], settings.Mirror.Upstreams);
        Assert.Equal(new ResourceAmounts { Cpu = "100m", Memory = "256Mi" }, settings.Resources.Requests);
        Assert.Equal(new ResourceAmounts { Cpu = "0.5", Memory = "1Gi" }, settings.Resources.Limits);
    }

    [Fact]
    public void Read_AuthSecret_IsTaken() =>
        Assert.Equal("accounts", Read("""{ "auth": { "secretRef": { "name": "accounts" } } }""").AuthSecretName);

    [Theory]
    [InlineData("""{ "provider": "zot" }""",
        "The variable clusterConfig.addons.registry.provider must be CNCF Distribution, not the string \"zot\".")]
    [InlineData("""{ "storage": { "size": "0" } }""",
        "The variable clusterConfig.addons.registry.storage.size is \"0\", which is no Kubernetes quantity above 0; "
            + "write it like 100m or 50Gi.")]
    [InlineData("""{ "storage": { "size": 5 } }""", "storage.size must be a string, not the number 5.")]
    [InlineData("""{ "storage": { "storageClassName": "Fast" } }""",
        "storage.storageClassName is \"Fast\", which is no name of a Kubernetes object")]
    [InlineData("""{ "storage": "5Gi" }""", "storage must be an object, not the string \"5Gi\".")]
    [InlineData("""{ "storage": { "sise": "5Gi" } }""",
        "The variable clusterConfig.addons.registry.storage has no field \"sise\"; its fields are size, storageClassName.")]
    [InlineData("""{ "mirror": { "mode": "all" } }""", "mirror.mode must be one of default, perUpstream, off, not the string \"all\".")]
    [InlineData("""{ "mirror": { "mode": "perUpstream" } }""",
        "mirror.upstreams is empty while clusterConfig.addons.registry.mirror.mode is perUpstream; list the hosts, like docker.io.")]
    [InlineData("""{ "mirror": { "upstreams": ["docker.io"] } }""",
        "mirror.upstreams lists hosts while clusterConfig.addons.registry.mirror.mode is not perUpstream; "
            + "set that mode or leave the list out.")]
    [InlineData("""{ "mirror": { "mode": "perUpstream", "upstreams": ["docker.io", "docker.io"] } }""",
        "mirror.upstreams lists a host twice; list each once.")]
    [InlineData("""{ "mirror": { "mode": "perUpstream", "upstreams": ["https://docker.io"] } }""",
        "mirror.upstreams[0] is \"https://docker.io\", which is no registry host; write it like docker.io or registry.example.com:5000.")]
    [InlineData("""{ "mirror": { "strict": "yes" } }""", "mirror.strict must be true or false, not the string \"yes\".")]
    [InlineData("""{ "mirror": { "strict": true, "mode": "off" } }""",
        "mirror.strict is true while clusterConfig.addons.registry.mirror.mode is off")]
    [InlineData("""{ "mirror": { "strict": true }, "auth": { "secretRef": { "name": "a" } } }""",
        "mirror.strict is true while clusterConfig.addons.registry.auth asks for a password")]
    [InlineData("""{ "mirror": { "dialTimeout": "1h" } }""",
        "mirror.dialTimeout is \"1h\", which is no duration above 0 and up to 5m; write it like 500ms or 2s.")]
    [InlineData("""{ "mirror": { "containerdConfig": "dropin" } }""",
        "mirror.containerdConfig must be one of auto, dropIn, none, not the string \"dropin\".")]
    [InlineData("""{ "resources": { "requests": { "cpu": "two" } } }""",
        "resources.requests.cpu is \"two\", which is no Kubernetes quantity above 0")]
    [InlineData("""{ "resources": { "requests": { "memory": "2Gi" }, "limits": { "memory": "1Gi" } } }""",
        "resources.requests.memory is \"2Gi\", which is more than its limit \"1Gi\"; ask for at most the limit.")]
    [InlineData("""{ "auth": {} }""",
        "The variable clusterConfig.addons.registry.auth says neither generate: true nor which Secret (secretRef); set one of them")]
    [InlineData("""{ "auth": { "generate": true, "secretRef": { "name": "a" } } }""",
        "auth.generate is true while clusterConfig.addons.registry.auth.secretRef names a Secret; leave one of them out.")]
    [InlineData("""{ "mirror": { "mode": "off", "caches": [{ "host": "docker.io", "port": 5001 }] } }""",
        "mirror.caches is set while clusterConfig.addons.registry.mirror.mode is off")]
    [InlineData("""{ "mirror": { "caches": [{ "host": "a.io", "port": 1 }, { "host": "a.io", "port": 2 }] } }""",
        "mirror.caches lists a host twice")]
    [InlineData("""{ "mirror": { "caches": [{ "host": "docker.io", "port": 0 }] } }""",
        "mirror.caches[0].port must be a whole number from 1 to 65535, not the number 0.")]
    [InlineData("""{ "mirror": { "fallbacks": [{}] } }""", "mirror.fallbacks[0].url is missing")]
    [InlineData("""{ "mirror": { "fallbacks": [{ "url": "https://a.example/v2", "login": "x" }] } }""",
        "mirror.fallbacks[0] has no field \"login\"")]
    [InlineData("""{ "mirror": { "fallbacks": [{ "url": "https://a.example/v2", "upstreams": ["a.io", "a.io"] }] } }""",
        "mirror.fallbacks[0].upstreams lists a host twice")]
    [InlineData("""{ "mirror": { "fallbacks": {} } }""", "mirror.fallbacks must be a list of at most 8 objects, not an object.")]
    [InlineData("""{ "auth": { "secretRef": {} } }""", "auth.secretRef.name is missing")]
    [InlineData("""{ "auth": { "secretRef": { "name": "-" } } }""",
        "auth.secretRef.name is \"-\", which is no name of a Kubernetes object")]
    public void Read_BadSettings_NameFieldValueAndRemedy(string json, string sentence) =>
        Assert.Contains(sentence, Problems(json), StringComparison.Ordinal);

    [Theory]
    [InlineData("https://mirror.example.com/v2", true)]
    [InlineData("https://mirror.example.com:8443/v2/hub/docker.io", true)]
    [InlineData("https://mirror.example.com/artifactory/api/docker/hub/v2", true)]
    [InlineData("https://192.0.2.10/v2", true)]
    [InlineData("https://[fd00::1]:8443/v2", true)]
    [InlineData("http://mirror.example.com/v2", false)]
    [InlineData("https://mirror.example.com", false)]
    [InlineData("https://mirror.example.com/hub", false)]
    [InlineData("https://mirror.example.com/v2/", false)]
    [InlineData("https://mirror.example.com/v2/../x", false)]
    [InlineData("https://user:password@mirror.example.com/v2", false)]
    [InlineData("https://mirror.example.com/v2?ns=x", false)]
    [InlineData("https://mirror.example.com/v2/\"]\n", false)]
    [InlineData("https://mirror.example.com/v2/{{ ds }}", false)]
    [InlineData("https://[fd00::1%eth0]/v2", false)]
    [InlineData("https://[192.0.2.10]/v2", false)]
    [InlineData("https:///v2", false)]
    public void MirrorUrl_OnlyPlainAddressesWithTheVersionInTheirPath_AreValid(string url, bool isValid) =>
        Assert.Equal(isValid, MirrorUrl.IsValid(url));

    [Fact]
    public void Read_FurtherMirrors_AreKeptInOrder()
    {
        var settings = Read("""
            { "auth": { "generate": true }, "mirror": { "caches": [{ "host": "docker.io", "port": 5001 }],
              "fallbacks": [{ "url": "https://a.example/v2", "upstreams": ["ghcr.io"], "caSecretName": "ca", "loginSecretName": "login" },
                            { "url": "https://b.example/v2" }] } }
            """);

        Assert.Equal(["mirror.caches", "mirror.fallbacks", "auth.generate"], settings.FieldsBeyondVersion1);
        Assert.Equal(new CacheSetting("docker.io", 5001), Assert.Single(settings.Mirror.Caches));
        Assert.Equal(["https://a.example/v2", "https://b.example/v2"], settings.Mirror.Fallbacks.Select(fallback => fallback.Url));
        Assert.Equal(("ca", "login"), (settings.Mirror.Fallbacks[0].CaSecretName, settings.Mirror.Fallbacks[0].LoginSecretName));
        Assert.Equal(["ghcr.io"], settings.Mirror.Fallbacks[0].Upstreams);
    }

    [Fact]
    public void Read_SeveralProblems_AreAllNamedAndSorted()
    {
        var sentences = Problems("""{ "replicas": 0, "mirror": { "mode": "x", "dialTimeout": "x" }, "auth": { "secretRef": {} } }""");

        Assert.Equal(
            ["auth.secretRef.name", "mirror.dialTimeout", "mirror.mode", "replicas"],
            Regex.Matches(sentences, $@"The variable {Regex.Escape(Path)}\.(\S+)").Select(match => match.Groups[1].Value));
    }

    [Theory]
    [InlineData("1", 1)]
    [InlineData("100m", 0.1)]
    [InlineData("0.5", 0.5)]
    [InlineData("1.5Gi", 1610612736)]
    [InlineData("2k", 2000)]
    [InlineData("3E", 3e18)]
    [InlineData("128974848", 128974848)]
    public void TryParse_KubernetesQuantities_AreUnderstood(string text, double value)
    {
        Assert.True(Quantity.TryParse(text, out var quantity));
        Assert.Equal((decimal)value, quantity.Value);
    }

    [Theory]
    [InlineData("")]
    [InlineData("m")]
    [InlineData(".5")]
    [InlineData("5.")]
    [InlineData("1ki")]
    [InlineData("1 Gi")]
    [InlineData("1G\n")]
    [InlineData("-1")]
    [InlineData("+1")]
    [InlineData("1e-3")]
    [InlineData("1e3")]
    [InlineData("1E12")]
    [InlineData("10u")]
    [InlineData("10n")]
    [InlineData("9Ei")]
    [InlineData("1e99")]
    [InlineData("99999999999999999999999999999999")]
    [InlineData("1.2.3")]
    public void TryParse_AnythingElse_IsRefused(string text) => Assert.False(Quantity.TryParse(text, out _));

    [Theory]
    [InlineData("1s", true)]
    [InlineData("500ms", true)]
    [InlineData("1.5s", true)]
    [InlineData("5m", true)]
    [InlineData("0s", false)]
    [InlineData("5.1m", false)]
    [InlineData("ms", false)]
    [InlineData("1", false)]
    [InlineData("1 s", false)]
    [InlineData("-1s", false)]
    [InlineData("1s\n", false)]
    [InlineData("1m30s", false)]
    public void IsValid_Duration_IsOneOfGo(string text, bool valid) => Assert.Equal(valid, ShortDuration.IsValid(text));

    [Theory]
    [InlineData("docker.io", "docker.io", "docker.io")]
    [InlineData("registry.example.com:5000", "registry.example.com_5000_", "registry.example.com_5000")]
    public void Directory_OfAHost_IsWhereContainerdLooksFirst(string host, string directory, string prefix)
    {
        Assert.True(UpstreamHost.IsValid(host));
        Assert.Equal((directory, prefix), (UpstreamHost.Directory(host), UpstreamHost.RepositoryPrefix(host)));
    }

    [Theory]
    [InlineData("Docker.io")]
    [InlineData("docker.io/")]
    [InlineData("../etc")]
    [InlineData("a:0")]
    [InlineData("a:65536")]
    [InlineData("a:b")]
    [InlineData("a:1:2")]
    [InlineData(":1")]
    [InlineData("[::1]:5000")]
    [InlineData("docker.io\n")]
    public void IsValid_AnythingButAHost_IsRefused(string host) => Assert.False(UpstreamHost.IsValid(host));

    [Theory]
    [MemberData(nameof(RuleSamples))]
    public void Pattern_OfTheSchema_LetsThroughWhatTheParserTakes(string text)
    {
        foreach (var rule in new[] { TextRule.Quantity, TextRule.Duration, TextRule.Upstream, TextRule.ObjectName })
        {
            // \z because Go's $ is the end of the text alone.
            var pattern = rule.Pattern!.Replace("$", "\\z", StringComparison.Ordinal);
            Assert.False(rule.IsValid(text) && !Regex.IsMatch(text, pattern), $"{rule.Name}: {text}");
        }
    }

    public static TheoryData<string> RuleSamples() =>
        ["1", "100m", "0.5", "1.5Gi", "1e3", "1E3", "5m", "500ms", "docker.io", "a.b:5000", "a-b.c", "x", "9", "3k", "0.1s"];

    private static RegistrySettings Read(string json)
    {
        var problems = new List<Problem>();
        using var document = JsonDocument.Parse(json);
        var settings = SettingsShape.Read(document.RootElement, Path, problems);
        Assert.Empty(problems);
        return settings;
    }

    private static string Problems(string json)
    {
        var problems = new List<Problem>();
        using var document = JsonDocument.Parse(json);
        SettingsShape.Read(document.RootElement, Path, problems);
        return Problem.Describe(problems);
    }
}

using CapiRegistryHook.Registry.Chart;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Unit.Tests.Registry.Chart;

public sealed class RegistryDefaultsTests
{
    [Theory]
    [InlineData("")]
    [InlineData("# nothing but a comment\n")]
    [InlineData("{}")]
    [InlineData("---\nnull\n")]
    public void Replace_NothingSaid_IsNone(string yaml)
    {
        var defaults = new RegistryDefaults();

        defaults.Replace(yaml);

        Assert.Empty(defaults.Values);
    }

    [Fact]
    public void Replace_SameTextAgain_SaysThatNothingChanged()
    {
        var defaults = new RegistryDefaults();

        Assert.True(defaults.Replace("replicas: 3"));
        Assert.False(defaults.Replace("replicas: 3"));
        Assert.True(defaults.Replace("replicas: 4"));
    }

    [Theory]
    [InlineData("tls:\n  secretName: mine", "The value tls.secretName is computed for each cluster; remove it.")]
    [InlineData("service:\n  clusterIPs: [10.0.0.1]", "The value service.clusterIPs is computed for each cluster; remove it.")]
    [InlineData("clusterDomain: null", "The value clusterDomain is computed for each cluster; remove it.")]
    [InlineData("podAnnotations:\n  capi-registry-hook.io/release-revision: a",
        "The value podAnnotations.capi-registry-hook.io/release-revision is computed for each cluster; remove it.")]
    [InlineData("nameOverride: mine", "The value nameOverride is part of selectors, which no upgrade can change; remove it.")]
    [InlineData("fullnameOverride: mine", "The value fullnameOverride is computed for each cluster; remove it.")]
    [InlineData("image:\n  tag: \"\"", "The value image.tag")]
    [InlineData("sync:\n  interval: 0s", "The value sync.interval")]
    [InlineData("podAnnotations:\n  a: ${clustr}",
        "The value podAnnotations.a contains ${clustr}, which is not a placeholder: use ${cluster} or ${namespace}, or write $${ for a literal ${.")]
    [InlineData("extraEnv:\n- name: A\n  value: ${A", "The value extraEnv[0].value contains ${A, which is not a placeholder")]
    [InlineData("podAnnotations:\n  ${cluster}: a", "The value podAnnotations has a placeholder in the name of a field")]
    [InlineData("replica: 3", "The value replica is not a value of the chart.")]
    [InlineData("replicas: three", "The value replicas must be a whole number from 1 to 9.")]
    [InlineData("storage:\n  sise: 5Gi", "The value storage.sise is not a value of the chart.")]
    [InlineData("- a", "They must be one YAML document that is an object, like the chart's values.yaml.")]
    [InlineData("a: 1\n---\nb: 2", "They must be one YAML document that is an object, like the chart's values.yaml.")]
    [InlineData("a: [", "They are not valid YAML: line 2, column 1.")]
    [InlineData("{[a]: 1}", "a key is not a string")]
    public void Replace_WhatCannotBeUsed_IsRefusedAndTheFormerStays(string yaml, string sentence)
    {
        var defaults = new RegistryDefaults();
        defaults.Replace("replicas: 3");

        var exception = Assert.Throws<RegistryDefaultsException>(() => defaults.Replace(yaml));

        Assert.Contains(sentence, exception.Message, StringComparison.Ordinal);
        Assert.Equal("3", defaults.Values["replicas"]!.ToJsonString());
    }

    [Fact]
    public void Replace_SeveralProblems_NamesThemAll()
    {
        var exception = Assert.Throws<RegistryDefaultsException>(() => new RegistryDefaults().Replace("replica: 3\nstorage: {sise: 1}"));

        Assert.Equal(
            "The value replica is not a value of the chart. The value storage.sise is not a value of the chart.", exception.Message);
    }

    [Theory]
    [InlineData("replicas: 0")]
    [InlineData("replicas: null")]
    [InlineData("replicas: \"3\"")]
    [InlineData("replicas: 2.5")]
    public void Replace_ReplicasOfAForeignChart_StillHaveToBeANumber(string yaml) =>
        Assert.Throws<RegistryDefaultsException>(() => new RegistryDefaults("registry", "9.9.9").Replace(yaml));

    [Fact]
    public void Replace_ValuesOfAForeignChart_AreNotHeldAgainstOurs()
    {
        var defaults = new RegistryDefaults("registry", "9.9.9");

        defaults.Replace("something: else\nreplicas: 3.0");

        Assert.Equal("else", (string?)defaults.Values["something"]);
    }

    [Fact]
    public void Replace_AliasBomb_IsRefused()
    {
        var yaml = "a: &a [x,x,x,x,x,x,x,x,x]\n" + string.Concat(Enumerable.Range(0, 9).Select(level =>
            $"{(char)('b' + level)}: &{(char)('b' + level)} [{string.Join(',', Enumerable.Repeat("*" + (char)('a' + level), 9))}]\n"));

        var exception = Assert.Throws<RegistryDefaultsException>(() => new RegistryDefaults().Replace(yaml));

        Assert.Contains("aliases make them too large", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Plan_ThreeLayers_EachWinsOverTheOneBelow()
    {
        var options = Options("replicas: 3\npriorityClassName: admin\nlog: {level: debug}\n");

        var chart = Clusters.Plan(Clusters.With(), options);
        var variable = Clusters.Plan(
            Clusters.With(
                """{ "replicas": 4, "storage": { "size": "7Gi" }, "resources": { "limits": { "memory": "1Gi" } }, "auth": { "secretRef": { "name": "users" } } }"""), options);

        Assert.Equal(3, chart.Replicas);
        Assert.Equal(4, variable.Replicas);
        var values = ChartValues.Build(variable, "0F");
        Assert.Equal(4, (int)values["replicas"]!);
        Assert.Equal("7Gi", (string?)values["storage"]!["size"]);
        Assert.Null(values["storage"]!["storageClassName"]);
        Assert.Equal("1Gi", (string?)values["resources"]!["limits"]!["memory"]);
        Assert.Null(values["resources"]!["requests"]);
        Assert.Equal("users", (string?)values["auth"]!["htpasswd"]!["secretName"]);
        Assert.Equal("admin", (string?)values["priorityClassName"]);
        Assert.Equal("debug", (string?)values["log"]!["level"]);
        Assert.Equal("registry-tls", (string?)values["tls"]!["secretName"]);
        Assert.Equal("0F", (string?)values["tls"]!["certificateSerial"]);
    }

    [Fact]
    public void Plan_NobodySaysHowManyReplicas_TakesTheChartsNumber()
    {
        var plan = Clusters.Plan(Clusters.With());

        Assert.Equal(ShippedChart.Defaults["replicas"]!.ToJsonString(), $"{plan.Replicas}");
        Assert.Equal(plan.Replicas, (int)ChartValues.Build(plan, "0")["replicas"]!);
    }

    [Fact]
    public void Plan_AdminsReplicas_AreNamedInTheCertificate()
    {
        var plan = Clusters.Plan(Clusters.With(), Options("replicas: 5"));

        Assert.Contains("registry-4.registry-headless.registry-system.svc", plan.Certificate.Names.DnsNames);
    }

    [Fact]
    public void Plan_DefaultsChangedAfterwards_KeepsWhatItWasMadeOf()
    {
        var options = Options("replicas: 3");
        var plan = Clusters.Plan(Clusters.With(), options);

        options.Defaults.Replace("replicas: 5");

        Assert.Equal(3, plan.Replicas);
        Assert.Equal(5, Clusters.Plan(Clusters.With(), options).Replicas);
    }

    [Fact]
    public void Build_TextOfTheAdminWithATemplate_ComesOutAsItWasWritten()
    {
        var plan = Clusters.Plan(Clusters.With(), Options("podAnnotations:\n  note: \"{{ .Cluster }}\"\n"));

        var template = YamlText.WriteTemplate(ChartValues.Build(plan, "0"));

        Assert.Contains("""note: "{{ "{{" }} .Cluster }}" """.TrimEnd(), template.Replace("\\\"", "\"", StringComparison.Ordinal),
            StringComparison.Ordinal);
    }

    private static RegistryOptions Options(string yaml)
    {
        var options = new RegistryOptions();
        options.Defaults.Replace(yaml);
        return options;
    }
}

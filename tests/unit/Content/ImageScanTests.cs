using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Workloads;

namespace CapiRegistryHook.Unit.Tests.Content;

public sealed class ImageScanTests
{
    private const string Manifests = """
        ---
        # Source: web/templates/deployment.yaml
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web, namespace: shop} # keep this comment
        spec:
          template:
            spec:
              initContainers:
                - name: init
                  image:   'busybox:1.36'   # trailing
              containers:
                - {name: a, image: "nginx:1.25", env: [{name: image, value: "nginx:1.25"}]}
                - name: b
                  image: &img ghcr.io/a/b@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
                - name: c
                  image: *img
              ephemeralContainers: [{image: debug:1}]
              volumes: [{name: v, image: {reference: models/m:1}}]
        ---
        kind: CronJob
        metadata: {name: cron}
        spec: {jobTemplate: {spec: {template: {spec: {containers: [{image: job:2}]}}}}}
        ---
        kind: List
        items:
          - kind: Pod
            metadata: {name: p}
            spec: {containers: [{image: pod:3}]}
        ---
        kind: Prometheus
        metadata: {name: prom}
        spec: {image: prom:4, parts: [{image: part:5}]}
        ---
        kind: ConfigMap
        metadata: {name: c}
        data: {image: "not:this", spec: "containers: [{image: nor:this}]"}
        """;

    [Fact]
    public void Find_EveryPodTemplate_IsLookedInto()
    {
        var found = ImageScan.Find(Manifests, []);
        Assert.Equal(["busybox:1.36", "nginx:1.25", "ghcr.io/a/b@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "debug:1", "models/m:1", "job:2", "pod:3"], found.Select(mention => mention.Image));
        Assert.Equal("Deployment shop/web: spec.template.spec.initContainers[0].image (web/templates/deployment.yaml)", found[0].Where);
        Assert.Equal("Pod p: spec.containers[0].image", found[^1].Where);
    }

    [Fact]
    public void Find_PathsOfOtherKinds_AreLookedIntoWhenAskedFor()
    {
        var found = ImageScan.Find(Manifests, [ImagePath.Parse("Prometheus:spec.image"), ImagePath.Parse("*:spec.parts[*].image")]);
        Assert.Equal(["prom:4", "part:5"], found.TakeLast(2).Select(mention => mention.Image));
    }

    [Fact]
    public void Apply_WhatIsFound_IsReplacedInPlaceAndTheRestStays()
    {
        var result = ManifestRewrite.Apply(Manifests, [], reference => reference.Name.Contains("nginx", StringComparison.Ordinal)
            || reference.Name.Contains("busybox", StringComparison.Ordinal) || reference.Registry == "ghcr.io"
            ? Reference.Create("10.96.0.20", reference.Repository, "x") : null);
        var expected = Manifests.Replace("'busybox:1.36'", "'10.96.0.20/library/busybox:x'", StringComparison.Ordinal)
            .Replace("image: \"nginx:1.25\"", "image: \"10.96.0.20/library/nginx:x\"", StringComparison.Ordinal)
            .Replace("&img ghcr.io/a/b@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "&img 10.96.0.20/a/b:x",
                StringComparison.Ordinal);
        Assert.Equal(expected, result.Text);
        Assert.Equal(3, result.Rewritten.Count);
        Assert.Equal(["debug:1", "models/m:1", "job:2", "pod:3"], result.Left.Select(mention => mention.Image));
    }

    [Theory]
    [InlineData("image: nginx\n", "image: \"[fd00::20]:5000/library/nginx:latest\"\n")]
    [InlineData("image: nginx\r\n", "image: \"[fd00::20]:5000/library/nginx:latest\"\r\n")]
    [InlineData("image: 'nginx' # nginx\n", "image: '[fd00::20]:5000/library/nginx:latest' # nginx\n")]
    [InlineData("image: !!str nginx\n", "image: !!str \"[fd00::20]:5000/library/nginx:latest\"\n")]
    [InlineData("image: &nginx nginx\n", "image: &nginx \"[fd00::20]:5000/library/nginx:latest\"\n")]
    [InlineData("image: \"ngin\\x78\"\n", "image: \"ngin\\x78\"\n")]
    [InlineData("image: >-\n      nginx\n", "image: >-\n      nginx\n")]
    [InlineData("image: \"\"\n", "image: \"\"\n")]
    public void Apply_FormsOfScalars_AreReplacedOrLeftAlone(string line, string expected)
    {
        string Pod(string text) => $"# ünïcödé 😀\r\nkind: Pod\nspec:\n  containers:\n  - name: a\n    {text}";
        var result = ManifestRewrite.Apply(Pod(line), [],
            reference => Reference.Create("[fd00::20]:5000", reference.Repository, reference.Tag));
        Assert.Equal(Pod(expected), result.Text);
    }

    [Theory]
    [InlineData("a: [")]
    [InlineData("a: *b")]
    [InlineData("? [a]\n: b")]
    [InlineData("&a [*a]")]
    public void Find_YamlThatIsNotSafe_IsRefused(string yaml) => Assert.Throws<ContentException>(() => ImageScan.Find(yaml, []));

    [Fact]
    public void Find_TooDeep_IsRefused() =>
        Assert.Contains("deeper than", Assert.Throws<ContentException>(() => ImageScan.Find(new string('[', 5000), [])).Message,
            StringComparison.Ordinal);

    [Theory]
    [InlineData("spec.image")]
    [InlineData("Kind:")]
    [InlineData("Kind:a..b")]
    [InlineData("Kind:a[0]")]
    public void Parse_NotAPath_IsRefused(string text) => Assert.Throws<ContentException>(() => ImagePath.Parse(text));

    [Fact]
    public void ContentList_OfEveryField_IsRead()
    {
        var list = ContentList.Parse("""
            images: [nginx:1.25]
            imageLists: [kubeadm.txt]
            charts:
              - {chart: oci://ghcr.io/a/charts/b, version: 1.2.3, values: [v.yaml]}
              - {chart: podinfo, repository: https://charts.example.com}
            platforms: [linux/amd64]
            """, "content.yaml");
        Assert.Equal("docker.io/library/nginx:1.25", Assert.Single(list.Images).ToString());
        Assert.Equal(["v.yaml"], list.Charts[0].Values);
        Assert.Equal("https://charts.example.com", list.Charts[1].Repository);
        Assert.Throws<ContentException>(() => ContentList.Parse("imges: []", "content.yaml"));
        Assert.Throws<ContentException>(() => ContentList.Parse("images: {a: b}", "content.yaml"));
    }

    [Fact]
    public void ParseImageList_OutputOfKubeadm_IsTheImages()
    {
        Assert.Equal(["registry.k8s.io/pause:3.9", "docker.io/library/a:latest"],
            ContentList.ParseImageList("registry.k8s.io/pause:3.9\r\n\n# none\na # why\n", "list").Select(image => image.ToString()));
        Assert.Contains("Line 2", Assert.Throws<ContentException>(() => ContentList.ParseImageList("a\nB C\n", "list")).Message,
            StringComparison.Ordinal);
    }
}

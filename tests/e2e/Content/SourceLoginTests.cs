using System.Formats.Tar;
using System.Text;
using CapiRegistryHook.Content.Copying;
using CapiRegistryHook.Content.Layouts;
using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Service;
using CapiRegistryHook.Registry.Logins;

namespace CapiRegistryHook.EndToEnd.Tests.Content;

/// <summary>The published program collects content from places that ask for a login, by what people have: files and helpers.</summary>
public sealed class SourceLoginTests
{
    private readonly RegistryLogin _login = RegistryLogin.Generate();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Create_RegistryWithALogin_TakesItFromACredentialHelper()
    {
        await using var registry = await StartAsync();
        registry.Folder.Write("content.yaml", $"images: [{registry.Name}/app:1]\n");
        registry.Folder.Write("config.json", $$"""{"credHelpers":{"{{registry.Name}}":"test"} }""");
        var helper = registry.Folder.Write("docker-credential-test", $$"""
            #!/bin/sh
            read -r host
            [ "$1 $host" = "get {{registry.Name}}" ] || exit 1
            echo '{"ServerURL":"'"$host"'","Username":"{{_login.UserName}}","Secret":"{{_login.Password}}"}'
            """);
        await ProgramRun.OutputOfAsync("/bin/chmod", ["u+x", helper], Cancelled);

        var created = await CreateAsync(registry);
        Assert.Equal((0, ""), (created.ExitCode, created.Errors));
        Assert.Contains("1 image", created.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(_login.Password, created.Output, StringComparison.Ordinal);

        registry.Folder.Write("config.json", """{"credsStore":"missing"}""");
        var missing = await CreateAsync(registry);
        registry.Folder.Write("config.json", "{}");
        var without = await CreateAsync(registry);
        Assert.Equal((1, 1), (missing.ExitCode, without.ExitCode));
        Assert.Contains("docker-credential-missing", missing.Errors, StringComparison.Ordinal);
        Assert.Contains($"check the login for {registry.Name}", without.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Create_ChartOfAnHttpsRepository_TakesTheNewestReleaseWithItsImagesAndItsLogin()
    {
        await using var registry = await StartAsync();
        using var authority = LoopbackAuthority.Create(TimeProvider.System);
        using var certificate = authority.IssueServer();
        await using var site = await FileServer.StartAsync(certificate, registry.Folder["site"], "reader:secret", Cancelled);
        var helm = await TestTools.PathOfAsync("helm3");
        foreach (var version in new[] { "1.0.0", "1.1.0", "2.0.0-rc.1" })
            await PackAsync(registry, helm, version);
        await ProgramRun.OutputOfAsync(helm, ["repo", "index", registry.Folder["site"]], Cancelled);
        registry.Folder.Write("both.crt", registry.RootPem + authority.CertificatePem);
        registry.Folder.Write("content.yaml", $"charts: [{{ chart: shop, repository: 'https://{site.Authority}/' }}]\n");
        WriteLogins(registry, site.Authority, "reader:secret");

        var created = await CreateAsync(registry, "--helm", helm, "--ca-file", registry.Folder["both.crt"], "--why");
        Assert.Equal((0, ""), (created.ExitCode, created.Errors));
        Assert.Contains($"{site.Authority}/charts/shop:1.1.0\n", created.Output, StringComparison.Ordinal);
        Assert.Contains($"{registry.Name}/app:1\n  chart shop 1.1.0: Pod shop: spec.containers[0].image", created.Output,
            StringComparison.Ordinal);

        WriteLogins(registry, site.Authority, "reader:wrong");
        var refused = await CreateAsync(registry, "--helm", helm, "--ca-file", registry.Folder["both.crt"]);
        WriteLogins(registry, site.Authority, "reader:secret");
        await File.AppendAllTextAsync(registry.Folder["site/shop-1.1.0.tgz"], "x", Cancelled);
        var changed = await CreateAsync(registry, "--helm", helm, "--ca-file", registry.Folder["both.crt"]);
        Assert.Equal((1, 1), (refused.ExitCode, changed.ExitCode));
        Assert.Contains($"check the login for {site.Authority}", refused.Errors, StringComparison.Ordinal);
        Assert.Contains("and its repository says sha256:", changed.Errors, StringComparison.Ordinal);
        Assert.Equal(1, changed.Errors.Count(letter => letter == '\n'));
    }

    private async Task<RealRegistry> StartAsync()
    {
        var registry = await RealRegistry.StartAsync(Cancelled, _login);
        var images = new LayoutImages(registry.Folder["images"], seed: 1);
        images.Add("upstream.test/app:1", Layer());
        using var source = await ContentArchive.OpenAsync(images.Folder, Cancelled);
        Assert.Empty((await ContentCopy.RunAsync(
            registry.Client, [new CopyItem("app", source, source.Names[0].Descriptor, "app", "1")], new CopyOptions(),
            Cancelled)).Failures);
        return registry;
    }

    private void WriteLogins(RealRegistry registry, string repository, string login) => registry.Folder.Write("config.json",
        $$"""
        {"auths":{"{{registry.Name}}":{"auth":"{{Encode($"{_login.UserName}:{_login.Password}")}}"},
          "{{repository}}":{"auth":"{{Encode(login)}}"} } }
        """);

    private static async Task PackAsync(RealRegistry registry, string helm, string version)
    {
        Directory.CreateDirectory(registry.Folder["shop/templates"]);
        registry.Folder.Write("shop/Chart.yaml", $"apiVersion: v2\nname: shop\nversion: {version}\n");
        registry.Folder.Write("shop/templates/pod.yaml", $$"""
            apiVersion: v1
            kind: Pod
            metadata: { name: shop }
            spec: { containers: [{ name: app, image: "{{registry.Name}}/app:1" }] }
            """);
        await ProgramRun.OutputOfAsync(helm, ["package", registry.Folder["shop"], "-d", registry.Folder["site"]], Cancelled);
    }

    private static Task<ProgramRun> CreateAsync(RealRegistry registry, params string[] more) =>
        ProgramRun.RunAsync(HookService.ProgramPath(), ["bundle", "create", "-f", registry.Folder["content.yaml"], "-o",
            registry.Folder["site.tar"], .. more.Contains("--ca-file") ? [] : new[] { "--ca-file", registry.Folder["certs/ca.crt"] },
            .. more],
            Cancelled, environment: new Dictionary<string, string?>
            {
                ["DOCKER_CONFIG"] = registry.Folder.Path, ["PATH"] = $"{registry.Folder.Path}:{Environment.GetEnvironmentVariable("PATH")}",
            });

    private static string Encode(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private static byte[] Layer()
    {
        using var stream = new MemoryStream();
        using (var tar = new TarWriter(stream, TarEntryFormat.Ustar, leaveOpen: true))
            tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, "file")
            {
                DataStream = new MemoryStream("app"u8.ToArray()), ModificationTime = DateTimeOffset.UnixEpoch,
            });
        return stream.ToArray();
    }
}

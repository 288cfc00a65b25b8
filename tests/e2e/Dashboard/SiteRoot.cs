using System.Text;
using System.Text.Json.Nodes;
using CapiRegistryHook.Certificates;

namespace CapiRegistryHook.EndToEnd.Tests.Dashboard;

/// <summary>A root in its Secret: one of some age, or the one that follows in a rotation.</summary>
/// <param name="Id">Its id in annotations.</param>
/// <param name="Pem">Its certificate.</param>
/// <param name="Secret">The Secret.</param>
internal sealed record SiteRoot(string Id, string Pem, JsonObject Secret)
{
    /// <summary>The root that follows another one.</summary>
    public static SiteRoot After(string current) => Create($"{DashboardSite.Root}-next", TimeSpan.Zero, new JsonObject
    {
        ["capi-registry-hook.io/follows-root"] = current, ["capi-registry-hook.io/generation"] = "2",
    });

    /// <summary>The first root, made so long ago.</summary>
    public static SiteRoot First(TimeSpan age) => Create(DashboardSite.Root, age, []);

    private static SiteRoot Create(string name, TimeSpan age, JsonObject annotations)
    {
        using var pair = CertificateAuthority.CreateRoot(
            new RootRequest("registry-addon", KeyAlgorithm.EcdsaP256, TimeSpan.FromDays(3650)), new EarlierTime(age));
        var pem = Encoding.ASCII.GetBytes(pair.CertificatePem);
        using var root = CertificateAuthority.Load(pem, pair.PrivateKeyPem.Span, pem);
        return new SiteRoot(root.RootThumbprint[..16], pair.CertificatePem, new JsonObject
        {
            ["metadata"] = new JsonObject
            {
                ["name"] = name, ["annotations"] = annotations,
                ["labels"] = new JsonObject { ["app.kubernetes.io/managed-by"] = "capi-registry-hook" },
            },
            ["type"] = "kubernetes.io/tls",
            ["data"] = new JsonObject
            {
                ["tls.crt"] = Convert.ToBase64String(pem), ["ca.crt"] = Convert.ToBase64String(pem),
                ["tls.key"] = Convert.ToBase64String(pair.PrivateKeyPem.Span),
            },
        });
    }

    private sealed class EarlierTime(TimeSpan age) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() - age;
    }
}

using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Authorities;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;
using CapiRegistryHook.Registry.Trust;
using CapiRegistryHook.Unit.Tests.Certificates;

namespace CapiRegistryHook.Unit.Tests.Registry.Trust;

/// <summary>The Secret with the root that is to follow, and whom its cross-certificates reach.</summary>
public sealed class NextRootFactoryTests
{
    private static readonly RegistryOptions Options = new();

    private readonly FixedTime _time = Samples.Clock;

    [Fact]
    public void Create_ManagedRoot_FollowsItWithANewKeyAndACrossCertificate()
    {
        using var pair = Samples.NewRoot(time: _time);
        using var current = Root(pair, (RootAnnotations.Generation, "3"), (AuthoritySecret.RotateAnnotation, "an audit"));

        var secret = NextRootFactory.Create(current, Options, _time);
        using var next = AuthoritySecret.Load(secret);

        Assert.Equal((Options.HookNamespace, $"{Options.RootSecretName}-next"), (secret.Metadata.Namespace, secret.Metadata.Name));
        Assert.Equal(SecretKeys.TlsType, secret.Type);
        Assert.True(current.IsFollowedBy(next));
        Assert.Equal((4, "an audit"), (next.Generation, next.Annotation(AuthoritySecret.RotatedForAnnotation)));
        Assert.Single(CrossCertificates(secret));
        Assert.True(NextRootFactory.ReachesAll(current, secret, Samples.Bundle(pair), _time));
    }

    [Fact]
    public void Create_AgainAndAgain_LeadsToTheFirstRootUntilThereAreTooMany()
    {
        using var first = Samples.NewRoot(time: _time);
        var secret = Root(first).Secret;
        for (var generation = 2; generation <= PemLimits.CrossCertificates + 3; generation++)
        {
            using var current = AuthoritySecret.Load(secret);
            secret = NextRootFactory.Create(current, Options, _time);
            using var next = AuthoritySecret.Load(secret);
            var depth = Math.Min(generation - 1, PemLimits.CrossCertificates);
            Assert.Equal(depth, CrossCertificates(secret).Count);
            Assert.Equal(generation - 1 <= PemLimits.CrossCertificates, next.Authority.IsAnchoredIn(Samples.Bundle(first), _time));
        }
    }

    /// <summary>Its nodes accept nothing that is issued now; a cross-certificate would only pretend.</summary>
    [Fact]
    public void Create_ExpiredRoot_HasNoCrossCertificateAndAsksItOfNobody()
    {
        using var pair = Samples.NewRoot(time: _time);
        using var current = Root(pair);
        _time.Advance(Samples.TenYears + TimeSpan.FromDays(1));

        var secret = NextRootFactory.Create(current, Options, _time);

        Assert.Empty(CrossCertificates(secret));
        Assert.True(NextRootFactory.ReachesAll(current, secret, Samples.Bundle(pair), _time));
    }

    [Fact]
    public void ReachesAll_NextWithoutItsCrossCertificate_IsFalse()
    {
        using var pair = Samples.NewRoot(time: _time);
        using var current = Root(pair);
        var secret = NextRootFactory.Create(current, Options, _time);

        var data = secret.Data!.Where(entry => entry.Key != AuthoritySecret.CrossCertificatesKey).ToDictionary();

        Assert.False(NextRootFactory.ReachesAll(current, secret with { Data = data }, Samples.Bundle(pair), _time));
    }

    private static AuthoritySecret Root(CertificateKeyPair pair, params (string Key, string Value)[] annotations) =>
        AuthoritySecret.Load(new Secret
    {
        Metadata = new ObjectMeta
        {
            Namespace = Options.HookNamespace, Name = Options.RootSecretName,
            Annotations = annotations.ToDictionary(entry => entry.Key, entry => entry.Value),
        },
        Type = SecretKeys.TlsType,
        Data = SecretKeys.Tls(pair, pair.CertificatePem),
    });

    private static TrustBundle CrossCertificates(Secret secret) =>
        secret.Value(AuthoritySecret.CrossCertificatesKey) is { Length: > 0 } pem ? TrustBundle.Parse(pem.Span) : TrustBundle.Empty;
}

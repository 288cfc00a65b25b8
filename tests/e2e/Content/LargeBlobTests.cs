using System.Security.Cryptography;
using CapiRegistryHook.Content.Manifests;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Content.Sources;
using CapiRegistryHook.Harness;

namespace CapiRegistryHook.EndToEnd.Tests.Content;

/// <summary>Runs alone: it measures the memory of the whole process.</summary>
[CollectionDefinition(nameof(LargeBlobTests), DisableParallelization = true)]
public sealed class LargeBlobCollection;

/// <summary>A blob of 1 GiB into a registry that counts and discards, over TLS.</summary>
[Collection(nameof(LargeBlobTests))]
public sealed class LargeBlobTests(ITestOutputHelper output)
{
    private const long Size = 1L << 30;
    private const long MostMemory = 150L << 20;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Upload_OneGibibyte_IsStreamedInBoundedMemory()
    {
        using var authority = LoopbackAuthority.Create(TimeProvider.System);
        using var certificate = authority.IssueServer();
        await using var registry = await DiscardingRegistry.StartAsync(certificate, Cancelled);
        using var handler = RegistryTransport.Create(authority.CertificatePem);
        using var client = new RegistryClient(handler, registry.Address);
        var source = new ZeroSource();
        var blob = new Descriptor(MediaTypes.OciLayer, ZeroSource.DigestOf(Size), Size);
        using var me = System.Diagnostics.Process.GetCurrentProcess();
        var before = me.WorkingSet64;
        long most = 0;

        var started = TimeProvider.System.GetTimestamp();
        await client.UploadAsync("a/b", blob, source, mountFrom: null, Sample, Cancelled);
        var took = TimeProvider.System.GetElapsedTime(started);

        output.WriteLine($"{Size / took.TotalSeconds / (1 << 20):F0} MiB/s, at most {(most - before) >> 20} MiB more than before");
        Assert.Equal(Size, registry.Received);
        Assert.True(most - before < MostMemory, $"{(most - before) >> 20} MiB more than before");

        void Sample(long bytes)
        {
            me.Refresh();
            most = Math.Max(most, me.WorkingSet64);
        }
    }

    /// <summary>Zeros, as many as are asked for.</summary>
    private sealed class ZeroSource : IContentSource
    {
        public string Location => "zeros";

        public static Digest DigestOf(long size)
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var block = new byte[1 << 20];
            for (var rest = size; rest > 0; rest -= block.Length)
                hash.AppendData(block);
            return Digest.Parse($"sha256:{Convert.ToHexStringLower(hash.GetHashAndReset())}");
        }

        public Task<ReadOnlyMemory<byte>?> ReadManifestAsync(Descriptor descriptor, CancellationToken cancellationToken) =>
            Task.FromResult<ReadOnlyMemory<byte>?>(null);

        public Task<Stream?> OpenBlobAsync(Descriptor descriptor, long offset, CancellationToken cancellationToken) =>
            Task.FromResult<Stream?>(new ZeroStream(descriptor.Size - offset));

        public Task<bool> HasBlobAsync(Descriptor descriptor, CancellationToken cancellationToken) => Task.FromResult(true);

        public Task<IReadOnlyList<AttachedContent>> AttachedToAsync(Digest subject, CancellationToken cancellationToken) =>
            Task.FromResult<IReadOnlyList<AttachedContent>>([]);
    }

    private sealed class ZeroStream(long rest) : Stream
    {
        private long _rest = rest;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count)
        {
            var read = (int)Math.Min(count, _rest);
            Array.Clear(buffer, offset, read);
            _rest -= read;
            return read;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}

using CapiRegistryHook.Harness;
using CapiRegistryHook.Harness.Cluster;

namespace CapiRegistryHook.EndToEnd.Tests.Cluster.Lifecycle;

/// <summary>Pulls an image on the node over and over, each time from the registry anew, and keeps count.</summary>
internal sealed class PullLoop : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    private readonly ClusterNode _node;
    private readonly string _image;
    private readonly string _hosts;
    private readonly Task _pulling;
    private volatile bool _ended;

    private PullLoop(ClusterNode node, string image, string hosts)
    {
        _node = node;
        _image = image;
        _hosts = hosts;
        _pulling = PullAsync();
    }

    public int Pulled { get; private set; }

    public List<string> Failures { get; } = [];

    /// <summary>Begins to pull.</summary>
    /// <param name="node">Where.</param>
    /// <param name="image">An image that nobody else on the node uses.</param>
    /// <param name="hosts">The folder with the hosts.toml files.</param>
    public static PullLoop Start(ClusterNode node, string image, string hosts = "/etc/containerd/certs.d") => new(node, image, hosts);

    /// <summary>There were that many pulls, and each of them succeeded.</summary>
    public void AssertNoneFailed(int atLeast)
    {
        Assert.True(Failures.Count == 0, string.Join('\n', Failures));
        Assert.True(Pulled >= atLeast, $"Only {Pulled} pulls were made.");
    }

    /// <summary>Waits until that many more pulls were made.</summary>
    public Task WaitForMoreAsync(int count, CancellationToken cancellationToken)
    {
        var goal = Pulled + Failures.Count + count;
        return Polling.UntilAsync("more pulls", () => Task.FromResult(Pulled + Failures.Count >= goal), () => "", cancellationToken);
    }

    /// <summary>Ends after the pull that is under way.</summary>
    public async ValueTask DisposeAsync()
    {
        _ended = true;
        await _pulling;
    }

    private async Task PullAsync()
    {
        while (!_ended)
        {
            await _node.RemoveImageAsync(_image, CancellationToken.None);
            var pull = await _node.PullAsync(_image, CancellationToken.None, _hosts);
            if (pull.Succeeded)
                Pulled++;
            else
                Failures.Add(pull.Errors);
            await Task.Delay(Pause, TimeProvider.System, CancellationToken.None);
        }
    }
}

using CapiRegistryHook.Harness.Cluster;

namespace CapiRegistryHook.EndToEnd.Tests.Cluster;

/// <summary>Pulls an image on the node over and over, each time from the registry anew, and keeps count.</summary>
internal sealed class PullLoop : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    private readonly ClusterNode _node;
    private readonly string _image;
    private readonly Task _pulling;
    private volatile bool _ended;

    private PullLoop(ClusterNode node, string image)
    {
        _node = node;
        _image = image;
        _pulling = PullAsync();
    }

    public int Pulled { get; private set; }

    public List<string> Failures { get; } = [];

    public static PullLoop Start(ClusterNode node, string image) => new(node, image);

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
            var pull = await _node.PullAsync(_image, CancellationToken.None);
            if (pull.Succeeded)
                Pulled++;
            else
                Failures.Add(pull.Errors);
            await Task.Delay(Pause, TimeProvider.System, CancellationToken.None);
        }
    }
}

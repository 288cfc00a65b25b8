using System.Runtime.CompilerServices;
using CapiRegistryHook.Kubernetes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Registry.Reconciliation;

/// <summary>A watch of the management cluster that is retried when the API server refuses it; lists come in pages.</summary>
/// <typeparam name="T">The record that holds an object.</typeparam>
/// <typeparam name="TKey">What tells one object from another.</typeparam>
/// <typeparam name="TValue">What is read of an object.</typeparam>
/// <param name="management">Client of the management cluster.</param>
/// <param name="time">The clock.</param>
internal sealed class FleetWatch<T, TKey, TValue>(KubernetesClient management, TimeProvider time)
    where T : IKubernetesObject
    where TKey : struct
{
    /// <summary>Rights and definitions are installed by people, who need longer than a server that restarts.</summary>
    private static readonly TimeSpan PauseAfterRefusal = TimeSpan.FromSeconds(30);

    /// <summary>A page is held in memory as a whole, and a Cluster with its status and managed fields takes 10 to 20 KB.</summary>
    private const int PageSize = 100;

    /// <summary>Finds what is watched in a namespace, or says why there is nothing.</summary>
    public required Func<string?, CancellationToken, Task<(ResourceType<T>? Type, string? Problem)>> FindTypeAsync { get; init; }

    /// <summary>Names an object; null for one that is not reported.</summary>
    public required Func<T, TKey?> KeyOf { get; init; }

    /// <summary>Reads an object.</summary>
    public required Func<T, TValue> Read { get; init; }

    /// <summary>A label selector; null for all objects.</summary>
    public string? Selector { get; init; }

    /// <summary>Watches until it is cancelled.</summary>
    /// <param name="namespace">The namespace; null means all.</param>
    /// <param name="cancellationToken">Ends the watch.</param>
    /// <returns>What happens, in order.</returns>
    public async IAsyncEnumerable<FleetEvent<TKey, TValue>> RunAsync(
        string? @namespace, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var options = new ListOptions { Namespace = @namespace, LabelSelector = Selector, PageSize = PageSize };
        while (true)
        {
            var (type, problem) = await FindTypeAsync(@namespace, cancellationToken);
            if (type is not null)
            {
                HashSet<TKey>? listed = null;
                await using var changes = management.WatchAsync(type, options, cancellationToken).GetAsyncEnumerator(cancellationToken);
                var moved = problem is null;
                while (moved)
                {
                    try
                    {
                        moved = await changes.MoveNextAsync();
                    }
                    catch (KubernetesApiException exception)
                    {
                        (moved, problem) = (false, exception.Message);
                    }

                    if (moved && Report(changes.Current, ref listed) is { } report)
                        yield return report;
                }
            }

            yield return new FleetEvent<TKey, TValue>(FleetEventKind.Refused) { Problem = problem };
            await Task.Delay(PauseAfterRefusal, time, cancellationToken);
        }
    }

    /// <param name="change">What the API server reports.</param>
    /// <param name="listed">What the list under way has had so far; null between lists.</param>
    private FleetEvent<TKey, TValue>? Report(WatchEvent<T> change, ref HashSet<TKey>? listed)
    {
        switch (change.Kind)
        {
            case WatchEventKind.Reset:
                listed = [];
                return null;
            case WatchEventKind.Synced:
                var all = listed;
                listed = null;
                return new FleetEvent<TKey, TValue>(FleetEventKind.Listed) { Listed = all ?? [] };
        }

        if (KeyOf(change.Value!) is not { } key)
            return null;
        if (change.Kind == WatchEventKind.Deleted)
            return new FleetEvent<TKey, TValue>(FleetEventKind.Gone) { Key = key };
        listed?.Add(key);
        return new FleetEvent<TKey, TValue>(FleetEventKind.Seen) { Key = key, Value = Read(change.Value!) };
    }
}

/// <summary>What a watch of the management cluster reports.</summary>
/// <typeparam name="TKey">What tells one object from another.</typeparam>
/// <typeparam name="TValue">What is read of an object.</typeparam>
/// <param name="Kind">What happened.</param>
public sealed record FleetEvent<TKey, TValue>(FleetEventKind Kind)
    where TKey : struct
{
    /// <summary>The object, with Seen and Gone.</summary>
    public TKey Key { get; init; }

    /// <summary>With Seen, what was read of the object.</summary>
    public TValue? Value { get; init; }

    /// <summary>With Listed, all that is there.</summary>
    public IReadOnlySet<TKey> Listed { get; init; } = new HashSet<TKey>();

    /// <summary>With Refused, what the API server refuses.</summary>
    public string? Problem { get; init; }
}

/// <summary>The kinds of <see cref="FleetEvent{TKey, TValue}"/>.</summary>
public enum FleetEventKind
{
    /// <summary>The object is there, in a list or because it changed.</summary>
    Seen,

    /// <summary>The object is gone.</summary>
    Gone,

    /// <summary>A full list is complete: what it does not have is gone. Changes follow.</summary>
    Listed,

    /// <summary>The API server refuses the watch; it is retried after a pause.</summary>
    Refused,
}

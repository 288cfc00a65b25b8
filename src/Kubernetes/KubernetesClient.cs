using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using CapiRegistryHook.Kubernetes.Client;
using CapiRegistryHook.Kubernetes.Connection;
using CapiRegistryHook.Kubernetes.Forwarding;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Kubernetes.Watching;

namespace CapiRegistryHook.Kubernetes;

/// <summary>
/// A client of one API server. Thread-safe; it owns its connection and frees it. Every call fails with a
/// <see cref="KubernetesApiException"/>, or with <see cref="OperationCanceledException"/> when the caller cancelled.
/// </summary>
public sealed class KubernetesClient : IDisposable
{
    private readonly ApiTransport _transport;
    private readonly KubernetesClientOptions _options;
    private readonly TimeProvider _time;
    private readonly PodPort _ports;

    /// <summary>A client of the given server; nothing is sent yet.</summary>
    /// <param name="connection">The server and the identity; freed with the client.</param>
    /// <param name="options">Limits.</param>
    /// <param name="time">The clock of limits and pauses.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public KubernetesClient(ClusterConnection connection, KubernetesClientOptions options, TimeProvider time)
        : this(new ApiTransport(connection, options, time), options, time)
    {
    }

    private KubernetesClient(ApiTransport transport, KubernetesClientOptions options, TimeProvider time)
    {
        _transport = transport;
        _options = options;
        _time = time;
        _ports = new PodPort(transport, options, time);
    }

    /// <summary>
    /// A client of the same server and identity whose calls do not wait for the calls of this one, for what must not queue behind bulk
    /// work. It lives as long as this one and need not be disposed.
    /// </summary>
    /// <returns>The client, with <see cref="KubernetesClientOptions.MaxCallsInFlight"/> calls of its own.</returns>
    public KubernetesClient WithOwnQueue() => new(_transport.WithOwnSlots(), _options, _time);

    /// <summary>Reads one object.</summary>
    /// <typeparam name="T">The record that holds the object.</typeparam>
    /// <param name="type">The resource.</param>
    /// <param name="name">The object.</param>
    /// <returns>The object.</returns>
    /// <exception cref="KubernetesApiException">With <see cref="KubernetesFault.NotFound"/> when it is not there.</exception>
    public Task<T> GetAsync<T>(ResourceType<T> type, NamespacedName name, CancellationToken cancellationToken)
        where T : IKubernetesObject =>
        SendAsync(type, CallFactory.Get(type, name), cancellationToken);

    /// <summary>Reads one object that may be missing.</summary>
    /// <typeparam name="T">The record that holds the object.</typeparam>
    /// <param name="type">The resource.</param>
    /// <param name="name">The object.</param>
    /// <returns>The object, or null exactly when the API server says that this object is not found; a missing kind still throws.</returns>
    public async Task<T?> FindAsync<T>(ResourceType<T> type, NamespacedName name, CancellationToken cancellationToken)
        where T : class, IKubernetesObject
    {
        try
        {
            return await GetAsync(type, name, cancellationToken);
        }
        catch (KubernetesApiException failure)
            when (failure is { Fault: KubernetesFault.NotFound, Reason: "NotFound" } && failure.StatusName == name.Name)
        {
            return null;
        }
    }

    /// <summary>
    /// Reads objects page by page. When the list expires on the server between two pages (410), it starts again, once; objects
    /// may then come twice, and it is for the caller to fold them. Items of built-in kinds carry no apiVersion and kind on the wire.
    /// </summary>
    /// <typeparam name="T">The record that holds an object.</typeparam>
    /// <param name="type">The resource.</param>
    /// <param name="options">Which objects.</param>
    /// <returns>The objects, a page in memory at a time.</returns>
    public async IAsyncEnumerable<T> ListAsync<T>(
        ResourceType<T> type, ListOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
        where T : IKubernetesObject
    {
        await foreach (var page in new PagedList<T>(_transport, type, options, restarts: 1).ReadAsync(cancellationToken))
        {
            foreach (var item in page.Items)
                yield return item;
        }
    }

    /// <summary>
    /// Reads the first objects of a list, one page and no more, for servers that are not trusted to end a list.
    /// </summary>
    /// <typeparam name="T">The record that holds an object.</typeparam>
    /// <param name="type">The resource.</param>
    /// <param name="options">Which objects; its page size does not matter.</param>
    /// <param name="most">How many objects at most, 1 to 10,000.</param>
    /// <returns>At most that many objects, even if the server sends more.</returns>
    public async Task<IReadOnlyList<T>> ListFirstAsync<T>(
        ResourceType<T> type, ListOptions options, int most, CancellationToken cancellationToken)
        where T : IKubernetesObject
    {
        var request = CallFactory.List(type, options, most, next: null);
        var body = await _transport.SendAsync(request, cancellationToken);
        return AnswerReader.Page(request.Resource, type, body.Span, most).Items;
    }

    /// <summary>Creates an object under the name and in the namespace of its metadata. Tried again only when the server can't have acted on
    /// it.</summary>
    /// <typeparam name="T">The record that holds the object.</typeparam>
    /// <param name="type">The resource.</param>
    /// <param name="value">The object.</param>
    /// <param name="fieldManager">The owner of its fields.</param>
    /// <returns>The object as stored.</returns>
    /// <exception cref="KubernetesApiException">With <see cref="KubernetesFault.AlreadyExists"/> when there is one of that
    /// name.</exception>
    public Task<T> CreateAsync<T>(ResourceType<T> type, T value, string fieldManager, CancellationToken cancellationToken)
        where T : IKubernetesObject =>
        SendAsync(type, CallFactory.Create(type, value, fieldManager), cancellationToken);

    /// <summary>
    /// Server-side apply: creates the object or sets the fields that are sent; fields that this manager sent before and leaves out now are
    /// removed. With a resourceVersion in the metadata it is an optimistic lock.
    /// </summary>
    /// <typeparam name="T">The record that holds the object.</typeparam>
    /// <param name="type">The resource.</param>
    /// <param name="value">The fields to own; nulls are not sent.</param>
    /// <param name="options">The manager, and whether it takes fields from others.</param>
    /// <returns>The object as stored; its resourceVersion is unchanged when nothing changed.</returns>
    /// <exception cref="KubernetesApiException">With <see cref="KubernetesFault.Conflict"/> when the version is stale or another manager
    /// owns a field.</exception>
    public Task<T> ServerSideApplyAsync<T>(ResourceType<T> type, T value, ApplyOptions options, CancellationToken cancellationToken)
        where T : IKubernetesObject =>
        SendAsync(type, CallFactory.Apply(type, value, options), cancellationToken);

    /// <summary>Applies a JSON merge patch (RFC 7386). With <c>metadata.resourceVersion</c> in it, it is an optimistic lock and is tried
    /// again after a broken connection.</summary>
    /// <typeparam name="T">The record that holds the object.</typeparam>
    /// <param name="type">The resource.</param>
    /// <param name="name">The object.</param>
    /// <param name="patch">The fields to set; null removes.</param>
    /// <param name="fieldManager">The owner of the changed fields.</param>
    /// <returns>The object as stored.</returns>
    /// <exception cref="KubernetesApiException">With <see cref="KubernetesFault.Conflict"/> when the version is stale.</exception>
    public Task<T> MergePatchAsync<T>(
        ResourceType<T> type, NamespacedName name, JsonObject patch, string fieldManager, CancellationToken cancellationToken)
        where T : IKubernetesObject =>
        SendAsync(type, CallFactory.MergePatch(type, name, patch, fieldManager), cancellationToken);

    /// <summary>
    /// Applies a JSON merge patch to the version of an object that was read: when anybody has written since, it fails and changes nothing.
    /// </summary>
    /// <typeparam name="T">The record that holds the object.</typeparam>
    /// <param name="type">The resource.</param>
    /// <param name="live">The object as it was read.</param>
    /// <param name="patch">The fields to set; null removes. The resourceVersion is added to its metadata.</param>
    /// <param name="fieldManager">The owner of the changed fields.</param>
    /// <returns>The object as stored.</returns>
    /// <exception cref="KubernetesApiException">With <see cref="KubernetesFault.Conflict"/> when the version is stale.</exception>
    public Task<T> MergePatchAsync<T>(
        ResourceType<T> type, T live, JsonObject patch, string fieldManager, CancellationToken cancellationToken)
        where T : IKubernetesObject
    {
        if (patch["metadata"] is not JsonObject metadata)
            patch["metadata"] = metadata = [];
        metadata["resourceVersion"] = live.Metadata.ResourceVersion;
        return MergePatchAsync(type, NamespacedName.Of(live.Metadata), patch, fieldManager, cancellationToken);
    }

    /// <summary>Deletes an object that may have gone already.</summary>
    /// <typeparam name="T">The record that holds the object.</typeparam>
    /// <param name="type">The resource.</param>
    /// <param name="name">The object.</param>
    /// <param name="options">Preconditions.</param>
    /// <returns>True when it was deleted, false when it was not found.</returns>
    /// <exception cref="KubernetesApiException">With <see cref="KubernetesFault.Conflict"/> when a precondition fails.</exception>
    public async Task<bool> DeleteIfExistsAsync<T>(
        ResourceType<T> type, NamespacedName name, DeleteOptions options, CancellationToken cancellationToken)
        where T : IKubernetesObject
    {
        try
        {
            await DeleteAsync(type, name, options, cancellationToken);
            return true;
        }
        catch (KubernetesApiException failure) when (failure.Fault == KubernetesFault.NotFound)
        {
            return false;
        }
    }

    /// <summary>Deletes an object. Tried again after a broken connection only with a precondition.</summary>
    /// <typeparam name="T">The record that holds the object.</typeparam>
    /// <param name="type">The resource.</param>
    /// <param name="name">The object.</param>
    /// <param name="options">Preconditions.</param>
    /// <returns>When the server has accepted the deletion; finalizers may keep the object for a while.</returns>
    /// <exception cref="KubernetesApiException">With <see cref="KubernetesFault.NotFound"/>, or <see cref="KubernetesFault.Conflict"/> when
    /// a precondition fails.</exception>
    public Task DeleteAsync<T>(ResourceType<T> type, NamespacedName name, DeleteOptions options, CancellationToken cancellationToken)
        where T : IKubernetesObject =>
        _transport.SendAsync(CallFactory.Delete(type, name, options), cancellationToken);

    /// <summary>
    /// Lists and then watches until cancelled: <see cref="WatchEventKind.Reset"/>, the objects as <see cref="WatchEventKind.Added"/>,
    /// <see cref="WatchEventKind.Synced"/>, then changes. A broken stream is resumed where it was, with exponential backoff; when the
    /// server no longer keeps that version (410), it starts again with a reset. Hold the state of a list back until it is synced: a list
    /// that fails midway is followed by another reset.
    /// </summary>
    /// <typeparam name="T">The record that holds an object.</typeparam>
    /// <param name="type">The resource.</param>
    /// <param name="options">Which objects.</param>
    /// <returns>What happens, in order.</returns>
    /// <exception cref="KubernetesApiException">The server refuses for good (401, 403, no such kind, untrusted), several times in a
    /// row.</exception>
    public async IAsyncEnumerable<WatchEvent<T>> WatchAsync<T>(
        ResourceType<T> type, ListOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
        where T : IKubernetesObject
    {
        // One watch per enumeration: it remembers where it is.
        var watch = new ResourceWatch<T>(
            new PagedList<T>(_transport, type, options, restarts: 0).ReadAsync, _transport, type, options, _options, _time);
        await foreach (var change in watch.RunAsync(cancellationToken))
            yield return change;
    }

    /// <summary>
    /// Reads what a node's kubelet has measured, through the API server. The kubelet answers from its cache: volumes are measured about
    /// once a minute.
    /// </summary>
    /// <param name="node">The name of the node.</param>
    /// <returns>The measurements; at most 8 MiB of them are read.</returns>
    /// <exception cref="KubernetesApiException">The API server, or the kubelet behind it, does not answer.</exception>
    public async Task<NodeSummary> ReadNodeSummaryAsync(string node, CancellationToken cancellationToken)
    {
        var request = CallFactory.NodeSummary(node);
        var body = await _transport.SendAsync(request, cancellationToken);
        return AnswerReader.Plain(request.Resource, KubernetesJson.Default.NodeSummary, body.Span);
    }

    /// <summary>
    /// Opens a stream to a TCP port of a pod, through the API server and the node's kubelet. Any number may be open; each is a connection
    /// of its own. If nobody listens, the first read throws an <see cref="IOException"/>. Reads and writes have no limit but their token,
    /// and <see cref="KubernetesClientOptions.ForwardPongTimeout"/>.
    /// </summary>
    /// <param name="pod">The pod.</param>
    /// <param name="port">The port, 1 to 65535.</param>
    /// <param name="cancellationToken">Cancels the opening, which is limited by <see cref="KubernetesClientOptions.CallTimeout"/>.</param>
    /// <returns>
    /// The stream, asynchronous only. A write returns before its bytes have arrived; asynchronous disposal sends what is left.
    /// </returns>
    /// <exception cref="KubernetesApiException">The API server, or the kubelet behind it, makes no connection.</exception>
    public Task<Stream> OpenPortAsync(NamespacedName pod, int port, CancellationToken cancellationToken) =>
        _ports.OpenAsync(pod, port, cancellationToken);

    /// <summary>Closes the connections and frees what the connection holds; calls under way fail.</summary>
    public void Dispose() => _transport.Dispose();

    private async Task<T> SendAsync<T>(ResourceType<T> type, ApiRequest request, CancellationToken cancellationToken)
        where T : IKubernetesObject =>
        AnswerReader.Object(request.Resource, type, (await _transport.SendAsync(request, cancellationToken)).Span);
}

using System.Runtime.CompilerServices;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Kubernetes.Client;

/// <summary>
/// One run over a list. A page larger than the client reads is asked for again at half its size, so that a few large objects do not hide
/// the rest; an object that is too large alone is read as metadata, to know its name and where the list goes on.
/// </summary>
/// <param name="transport">Sends the calls.</param>
/// <param name="type">The resource.</param>
/// <param name="options">Which objects.</param>
/// <param name="restarts">How often the list may begin again after the server has dropped the snapshot it is read from (410).</param>
internal sealed class PagedList<T>(ApiTransport transport, ResourceType<T> type, ListOptions options, int restarts)
    where T : IKubernetesObject
{
    private int _pageSize = options.PageSize;
    private int _restarts = restarts;
    private string? _next;
    private int _pages;

    public async IAsyncEnumerable<ListPage<T>> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var more = true; more;)
        {
            if (await TryReadAsync(cancellationToken) is not { } page)
                continue;
            yield return page;
            _next = page.Continue;
            more = _next is not null;
        }
    }

    /// <summary>The next page; null when it has to be asked for in another way.</summary>
    private async Task<ListPage<T>?> TryReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            var page = await ReadPageAsync(type, cancellationToken);
            _pageSize = Math.Min(_pageSize * 2, options.PageSize);
            return page;
        }
        catch (KubernetesApiException failure) when (failure.Fault == KubernetesFault.Gone && _next is not null && _restarts > 0)
        {
            _restarts--;
            _next = null;
            return null;
        }
        catch (KubernetesApiException failure) when (failure.IsTooLarge && _pageSize > 1)
        {
            _pageSize /= 2;
            return null;
        }
        catch (KubernetesApiException failure) when (failure.IsTooLarge && !type.MetadataOnly)
        {
            return await SkipAsync(cancellationToken);
        }
    }

    private async Task<ListPage<T>> SkipAsync(CancellationToken cancellationToken)
    {
        ResourceType<PartialObject> headers = new(
            type.Group, type.Version, type.Plural, type.Kind, type.Namespaced, KubernetesJson.Default.PartialObject)
        {
            MetadataOnly = true,
        };
        var page = await ReadPageAsync(headers, cancellationToken);
        foreach (var metadata in page.Items.Select(item => item.Metadata))
        {
            if (options.OnTooLarge is not { } skip)
                throw ApiExceptions.TooLarge(CallFactory.Describe(type, NamespacedName.Of(metadata)));
            skip(metadata);
        }

        return new ListPage<T>([], page.ResourceVersion, page.Continue);
    }

    private async Task<ListPage<TItem>> ReadPageAsync<TItem>(ResourceType<TItem> resource, CancellationToken cancellationToken)
        where TItem : IKubernetesObject
    {
        var request = CallFactory.List(resource, options, _pageSize, _next);
        if (++_pages > options.MostPages)
            throw new KubernetesApiException(KubernetesFault.BadResponse, request.Resource, "the list has no end");
        var body = await transport.SendAsync(request, cancellationToken);
        var page = AnswerReader.Page(request.Resource, resource, body.Span);
        return page.Continue is null || page.Continue != _next
            ? page
            : throw new KubernetesApiException(
                KubernetesFault.BadResponse, request.Resource, "the list continues with the same page again and again");
    }
}

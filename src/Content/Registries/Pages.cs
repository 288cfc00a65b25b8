using System.Net;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace CapiRegistryHook.Content.Registries;

/// <summary>Lists that a registry gives page by page, each naming the next in its Link header.</summary>
internal static class Pages
{
    private const int LargestPage = 8 << 20;
    private const int MostPages = 10_000;

    /// <summary>The entries of all pages; none when the registry has no such list.</summary>
    public static async IAsyncEnumerable<string> ReadAsync(
        RegistryCalls calls, RegistryCall first, string property, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var call = first;
        var seen = new HashSet<Uri>();
        while (call is not null)
        {
            if (!seen.Add(new Uri(calls.Address, call.Target)) || seen.Count > MostPages)
                throw new RegistryException($"{calls.Address.Authority} gives pages of its list without an end.");
            var (entries, next) = await PageAsync(calls, call, property, cancellationToken);
            foreach (var entry in entries)
                yield return entry;
            call = next is null ? null : first with { Target = next };
        }
    }

    private static async Task<(List<string> Entries, Uri? Next)> PageAsync(RegistryCalls calls, RegistryCall call, string property,
        CancellationToken cancellationToken)
    {
        using var response = await calls.SendAsync(call, cancellationToken);
        if (response.StatusCode == HttpStatusCode.NotFound)
            return ([], null);
        if (response.StatusCode != HttpStatusCode.OK)
            throw await response.ToExceptionAsync($"list {property}", calls.Options, cancellationToken);
        var body = await response.ReadBodyAsync(LargestPage, calls.Options, cancellationToken);
        var next = NextOf(response);
        return (Entries(body, property, calls), next is null ? null : calls.Own(next, call.Target));
    }

    private static List<string> Entries(ReadOnlyMemory<byte> body, string property, RegistryCalls calls)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            if (document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty(property, out var list))
                return list.ValueKind == JsonValueKind.Null ? []
                    : [.. list.EnumerateArray().Select(item => item.GetString() ?? throw new JsonException())];
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new RegistryException($"{calls.Address.Authority} answered with something else than a list of {property}.", exception);
        }

        throw new RegistryException($"{calls.Address.Authority} answered without a list of {property}.");
    }

    /// <summary>The address in <c>&lt;address&gt;; rel="next"</c>; null when there is none.</summary>
    internal static Uri? NextOf(HttpResponseMessage response)
    {
        var links = response.Headers.TryGetValues("Link", out var values) ? values : [];
        foreach (var link in links)
        {
            var (open, close) = (link.IndexOf('<', StringComparison.Ordinal), link.IndexOf('>', StringComparison.Ordinal));
            if (open >= 0 && close > open && link.AsSpan(close).Contains("next", StringComparison.OrdinalIgnoreCase)
                && Uri.TryCreate(link[(open + 1)..close], UriKind.RelativeOrAbsolute, out var next))
                return next;
        }

        return null;
    }
}

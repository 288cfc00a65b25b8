using CapiRegistryHook.Content.Bundles;

namespace CapiRegistryHook.Content.Collecting;

/// <summary>What was found for a list of content. It frees the sources that the items are read from.</summary>
/// <param name="items">What goes into a bundle.</param>
/// <param name="problems">One sentence for each thing that was not found or can't be used; empty when all is there.</param>
/// <param name="opened">The sources.</param>
public sealed class CollectedContent(IReadOnlyList<BundleItem> items, IReadOnlyList<string> problems, IDisposable opened) : IDisposable
{
    /// <summary>What goes into a bundle.</summary>
    public IReadOnlyList<BundleItem> Items => items;

    /// <summary>One sentence for each thing that was not found or can't be used; empty when all is there.</summary>
    public IReadOnlyList<string> Problems => problems;

    /// <inheritdoc/>
    public void Dispose() => opened.Dispose();
}

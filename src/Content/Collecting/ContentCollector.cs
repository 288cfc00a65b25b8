using CapiRegistryHook.Content.Bundles;
using CapiRegistryHook.Content.Charts;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Content.Registries;
using CapiRegistryHook.Content.Sources;
using CapiRegistryHook.Content.Workloads;

namespace CapiRegistryHook.Content.Collecting;

/// <summary>
/// Finds everything that a list of content stands for: images by name, the content of archives, charts, and the images that charts need.
/// Nothing is copied yet.
/// </summary>
/// <param name="registries">How registries are called.</param>
/// <param name="helm">Gives the Helm that renders charts; called when there is a chart.</param>
/// <param name="time">The clock.</param>
public sealed class ContentCollector(UpstreamRegistries registries, Func<HelmProgram> helm, TimeProvider time)
{
    private const int LongestList = 4 << 20;
    private const int Workers = 8;

    /// <summary>Finds the content.</summary>
    /// <param name="list">What is wanted.</param>
    /// <param name="folder">The folder that its paths are relative to.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    /// <returns>What was found, and what was not; the caller disposes it.</returns>
    /// <exception cref="ContentException">Helm is needed and missing.</exception>
    public async Task<CollectedContent> CollectAsync(ContentList list, string folder, CancellationToken cancellationToken)
    {
        var opened = new OpenSources();
        try
        {
            var search = new Search();
            await AddArchivesAsync(search, list.Archives, folder, opened, cancellationToken);
            foreach (var image in list.Images)
                search.Want(image, "images");
            foreach (var path in list.ImageLists)
                search.Try(() => AddList(search, Path.GetFullPath(path, folder), path));
            await AddChartsAsync(search, list.Charts, folder, opened, cancellationToken);
            await ResolveAsync(search, cancellationToken);
            return new CollectedContent(search.Items, search.Problems, opened);
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    private static async Task AddArchivesAsync(
        Search search, IReadOnlyList<string> archives, string folder, OpenSources opened, CancellationToken cancellationToken)
    {
        foreach (var path in archives)
        {
            await search.TryAsync(async () =>
            {
                var archive = await opened.OpenArchiveAsync(Path.GetFullPath(path, folder), cancellationToken);
                foreach (var named in archive.Names)
                    search.Add(new BundleItem(named.Name ?? throw new ContentException($"{path} has content without a full name "
                        + $"({named.Label ?? named.Descriptor.Digest.ToString()}): save it again under the name that manifests use."),
                        archive, named.Descriptor) { Why = [$"archives: {path}"] });
            });
        }
    }

    private static void AddList(Search search, string path, string name)
    {
        try
        {
            if (new FileInfo(path).Length > LongestList)
                throw new ContentException($"{path} is longer than {LongestList} bytes.");
            foreach (var image in ContentList.ParseImageList(File.ReadAllText(path), path))
                search.Want(image, $"imageLists: {name}");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ContentException($"The list {path} can't be read.", exception);
        }
    }

    private async Task AddChartsAsync(
        Search search, IReadOnlyList<ChartWish> charts, string folder, OpenSources opened, CancellationToken cancellationToken)
    {
        if (charts.Count == 0)
            return;
        var program = helm();
        var finder = new ChartFinder(registries, opened, folder, time);
        foreach (var wish in charts)
        {
            await search.TryAsync(async () =>
            {
                var found = await finder.FindAsync(wish, cancellationToken);
                search.Add(new BundleItem(found.Name, found.Source, found.Root) { Why = [$"charts: {wish.Chart}"] });
                await AddImagesAsync(search, found, [.. wish.Values.Select(file => Path.GetFullPath(file, folder))], program,
                    cancellationToken);
            });
        }
    }

    private static async Task AddImagesAsync(
        Search search, FoundChart found, IReadOnlyList<string> values, HelmProgram helm, CancellationToken cancellationToken)
    {
        var chart = found.Chart;
        var from = $"chart {chart.Name} {chart.Version}";
        if (values.FirstOrDefault(file => !File.Exists(file)) is { } missing)
            throw new ContentException($"The values file {missing} of {from} does not exist.");
        foreach (var image in chart.AnnotatedImages)
            search.Want(image, $"{from}: annotation artifacthub.io/images");
        foreach (var image in chart.LockedImages)
            search.Want(image, $"{from}: Images.lock");
        var manifests = await helm.RenderAsync(found.Path, new HelmRelease(chart.Name, "default"), values, cancellationToken);
        foreach (var mention in ImageScan.Find(manifests, []))
            search.Want(mention.Image, $"{from}: {mention.Where}");
    }

    private async Task ResolveAsync(Search search, CancellationToken cancellationToken)
    {
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = Workers, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(search.Wanted, parallel, async (wanted, token) => await search.TryAsync(async () =>
        {
            var (image, why) = (wanted.Image, wanted.Why);
            var client = registries.Find(image.Registry);
            var root = await client.ResolveAsync(image.Repository, image.Selector, token)
                ?? throw new ContentException($"{image} does not exist (wanted by {why[0]}).");
            search.Add(new BundleItem(image, new RegistrySource(client, image.Repository), root) { Why = why });
        }));
    }

    /// <summary>What was found so far. Items may be added by several callers.</summary>
    private sealed class Search
    {
        private readonly Lock _gate = new();
        private readonly List<BundleItem> _items = [];
        private readonly SortedSet<string> _problems = new(StringComparer.Ordinal);
        private readonly Dictionary<string, (Reference Image, List<string> Why)> _wanted = new(StringComparer.Ordinal);

        public IReadOnlyList<BundleItem> Items =>
            [.. _items.Select(item => item with { Why = [.. item.Why, .. WhyMore(item)] })];

        public IReadOnlyList<string> Problems => [.. _problems];

        /// <summary>Images that nothing has brought yet.</summary>
        public IReadOnlyList<(Reference Image, List<string> Why)> Wanted =>
            [.. _wanted.Values.Where(wanted => !_items.Exists(item => Brings(item, wanted.Image)))];

        public void Want(string image, string why)
        {
            if (Reference.TryParse(image, out var reference))
                Want(reference, why);
            else
                Add($"'{Digest.Shorten(image)}' is not an image reference ({why}).");
        }

        public void Want(Reference image, string why)
        {
            if (!_wanted.TryGetValue(image.ToString(), out var wanted))
                _wanted.Add(image.ToString(), wanted = (image, []));
            wanted.Why.Add(why);
        }

        public void Add(BundleItem item)
        {
            lock (_gate)
                _items.Add(item);
        }

        public void Try(Action find)
        {
            try
            {
                find();
            }
            catch (ContentException exception)
            {
                Add(exception.Message);
            }
        }

        public async Task TryAsync(Func<Task> find)
        {
            try
            {
                await find();
            }
            catch (Exception exception) when (exception is ContentException || RetryPolicy.IsTransient(exception))
            {
                Add(exception.Message);
            }
        }

        private void Add(string problem)
        {
            lock (_gate)
                _problems.Add(problem);
        }

        // Wanted by name or digest, and already there from an archive.
        private IEnumerable<string> WhyMore(BundleItem item) => _wanted.Values
            .Where(wanted => !ReferenceEquals(wanted.Why, item.Why) && Brings(item, wanted.Image)).SelectMany(wanted => wanted.Why);

        private static bool Brings(BundleItem item, Reference image) => item.Name == image
            || (image.Name == item.Name.Name && image.Digest == item.Root.Digest && (image.Tag is null || image.Tag == item.Name.Tag));
    }
}

namespace CapiRegistryHook.Cli.Options;

/// <summary>
/// Options that set the properties of one record. Each is declared once: the command line, the environment, the options file, the
/// documentation and the schema of the chart follow the declaration, and its default is the property's own.
/// </summary>
/// <param name="defaults">The record with all defaults.</param>
internal sealed class OptionGroup<TRecord>(TRecord defaults)
{
    private readonly List<ServiceOption> _options = [];
    private readonly List<Func<OptionReader, TRecord, TRecord>> _setters = [];

    /// <summary>The options, in order of their declaration.</summary>
    public IReadOnlyList<ServiceOption> Options => _options;

    /// <summary>Declares an option.</summary>
    /// <param name="name">The name in kebab case.</param>
    /// <param name="kind">How it is read, with its range.</param>
    /// <param name="get">Reads the property, for the default.</param>
    /// <param name="set">The record with the property set.</param>
    /// <param name="description">What it decides, as a sentence.</param>
    /// <param name="default">The default in words, where it is not the property's own.</param>
    public OptionGroup<TRecord> Add<TValue>(
        string name, OptionKind<TValue> kind, Func<TRecord, TValue> get, Func<TRecord, TValue, TRecord> set, string description,
        string? @default = null)
    {
        _options.Add(new ServiceOption(name, description, kind.Values, @default ?? kind.Write(get(defaults))));
        _setters.Add((reader, record) => reader.TryRead(name, kind, out var value) ? set(record, value) : record);
        return this;
    }

    /// <summary>The defaults with what was set; what can't be used is one of the reader's problems.</summary>
    public TRecord Read(OptionReader reader) => Read(reader, defaults);

    /// <summary><paramref name="start"/> with what was set.</summary>
    public TRecord Read(OptionReader reader, TRecord start) => _setters.Aggregate(start, (record, set) => set(reader, record));
}

namespace CapiRegistryHook.Cli.Options;

/// <summary>The values that an option takes, for people and for the schema of a chart.</summary>
internal abstract record OptionValues
{
    /// <summary>The range in words, such as "1 to 64"; empty where any text will do.</summary>
    public virtual string Range => "";
}

/// <summary>Any text.</summary>
internal sealed record TextValues : OptionValues;

/// <summary>Texts separated by commas.</summary>
internal sealed record ListValues : OptionValues
{
    public override string Range => "comma-separated list";
}

/// <summary>One of a few words.</summary>
internal sealed record WordValues(IReadOnlyList<string> Words) : OptionValues
{
    public override string Range => Words.Count == 1 ? Words[0] : $"{string.Join(", ", Words.SkipLast(1))} or {Words[^1]}";
}

/// <summary>A whole number within bounds.</summary>
internal sealed record NumberValues(int Least, int Most) : OptionValues
{
    public override string Range => $"{Least} to {Most}";
}

/// <summary>A duration within bounds.</summary>
internal sealed record DurationValues(TimeSpan Least, TimeSpan Most) : OptionValues
{
    public override string Range => $"{DurationText.Write(Least)} to {DurationText.Write(Most)}";
}

/// <summary>An IP address and a port.</summary>
internal sealed record EndpointValues : OptionValues;

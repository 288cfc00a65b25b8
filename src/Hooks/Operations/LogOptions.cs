namespace CapiRegistryHook.Hooks.Operations;

/// <summary>What is logged, and how.</summary>
public sealed record LogOptions
{
    /// <summary>The least severe level that is logged.</summary>
    public LogLevel Level { get; init; } = LogLevel.Information;

    /// <summary>How a line looks.</summary>
    public LogFormat Format { get; init; } = LogFormat.Json;
}

/// <summary>How a line of the log looks.</summary>
public enum LogFormat
{
    /// <summary>For people: time, level and message.</summary>
    Text,

    /// <summary>For pipelines: one JSON object.</summary>
    Json,
}

using CapiRegistryHook.Hooks.Operations;
using Microsoft.Extensions.Logging.Console;

namespace CapiRegistryHook.Hooks.Serving;

/// <summary>How every process of this product logs.</summary>
public static class LogSetup
{
    /// <summary>Writes the log to standard output, in the format that the options say.</summary>
    /// <param name="builder">The process.</param>
    /// <param name="options">What is logged, and how.</param>
    /// <param name="time">The clock.</param>
    public static void AddLog(this WebApplicationBuilder builder, LogOptions options, TimeProvider time)
    {
        builder.Logging.SetMinimumLevel(options.Level);
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        builder.Services.AddSingleton<ConsoleFormatter>(new JsonLogFormatter(time));
        builder.Services.AddSingleton<ConsoleFormatter>(new TextLogFormatter(time, TextLogFormatter.HasColors));
        builder.Logging.AddConsole(console => console.FormatterName = options.Format.ToString());
    }
}

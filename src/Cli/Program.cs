using CapiRegistryHook.Cli.Commands;

return await CommandLine.RunAsync(args, TimeProvider.System);

using CapiRegistryHook.Hooks.Commands;

return await CommandLine.RunAsync(args, TimeProvider.System);

namespace CapiRegistryHook.Kubernetes.Client;

/// <summary>What a watch reports.</summary>
public enum WatchEventKind
{
    /// <summary>A full list begins: what is not added before <see cref="Synced"/> no longer exists.</summary>
    Reset,

    /// <summary>An object is there, in a list or newly created.</summary>
    Added,

    /// <summary>An object changed.</summary>
    Modified,

    /// <summary>An object is gone, or no longer matches the selector; the value is its last state.</summary>
    Deleted,

    /// <summary>The full list is complete; what follows are changes.</summary>
    Synced,
}

/// <summary>One report of a watch.</summary>
/// <typeparam name="T">The record that holds an object.</typeparam>
/// <param name="Kind">What happened.</param>
/// <param name="Value">The object; null with <see cref="WatchEventKind.Reset"/> and <see cref="WatchEventKind.Synced"/>.</param>
public readonly record struct WatchEvent<T>(WatchEventKind Kind, T? Value);

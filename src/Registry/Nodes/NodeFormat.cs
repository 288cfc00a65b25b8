namespace CapiRegistryHook.Registry.Nodes;

/// <summary>The versions of what nodes get. A ClusterClass chooses one by the name of its handler; each stays as it was released.</summary>
public enum NodeFormat
{
    /// <summary>The registry as a mirror.</summary>
    V1 = 1,

    /// <summary>With logins, caches of upstreams and further mirrors.</summary>
    V2 = 2,

    /// <summary>Version 2 with a script that knows what containerd 2 does with its configuration.</summary>
    V3 = 3,
}

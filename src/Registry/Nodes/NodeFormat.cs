namespace CapiRegistryHook.Registry.Nodes;

/// <summary>The versions of what nodes get. A ClusterClass chooses one by the name of its handler; each stays as it was released.</summary>
public enum NodeFormat
{
    /// <summary>The registry as a mirror.</summary>
    V1 = 1,

    /// <summary>With logins, caches of upstreams and further mirrors.</summary>
    V2 = 2,
}

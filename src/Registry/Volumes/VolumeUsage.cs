namespace CapiRegistryHook.Registry.Volumes;

/// <summary>How full the volume of one of a registry's pods is.</summary>
/// <param name="Pod">The name of the pod, such as <c>registry-0</c>.</param>
/// <param name="Capacity">Size of its file system, in bytes.</param>
/// <param name="Used">What the registry can't have of that, in bytes: what is stored there, and what the file system keeps back.</param>
/// <param name="Inodes">The number of inodes; 0 on file systems without a fixed number.</param>
/// <param name="InodesUsed">How many of them are in use.</param>
public sealed record VolumeUsage(string Pod, long Capacity, long Used, long Inodes, long InodesUsed)
{
    /// <summary>How full it is by bytes or by inodes, whichever is more, 0 to 100.</summary>
    public int Percent => Math.Max(PercentOf(Used, Capacity), PercentOf(InodesUsed, Inodes));

    private static int PercentOf(long part, long whole) => whole <= 0 ? 0 : (int)Math.Clamp((decimal)part * 100 / whole, 0, 100);
}

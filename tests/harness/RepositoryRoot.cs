namespace CapiRegistryHook.Harness;

/// <summary>The checkout that the running program was built from: its scripts, and what lies beside it.</summary>
public static class RepositoryRoot
{
    private const string Mark = "CapiRegistryHook.sln";

    /// <summary>The checkout's folder; throws <see cref="DirectoryNotFoundException"/> when the program runs outside one.</summary>
    public static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, Mark)))
                return folder.FullName;
        }

        throw new DirectoryNotFoundException(
            $"No folder above {AppContext.BaseDirectory} holds {Mark}: run this from a build inside a checkout.");
    }
}

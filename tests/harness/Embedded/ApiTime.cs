using System.Globalization;

namespace CapiRegistryHook.Harness.Embedded;

/// <summary>metav1.Time: UTC, whole seconds.</summary>
internal static class ApiTime
{
    public static string Format(DateTimeOffset value) =>
        value.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}

using System.Globalization;

namespace CapiRegistryHook.Hooks.Operations;

/// <summary>The values in a log entry, by the names that its message gives them.</summary>
internal static class LogFields
{
    /// <summary>Which scopes count: those that say what a line is about. The web server's say what is of no use outside of it.</summary>
    private static readonly HashSet<string> ScopeFields = ["Hook", "Cluster", "ReconcileID"];

    private const string Template = "{OriginalFormat}";

    /// <summary>The fields of the message, and of the scopes around it that it does not name itself.</summary>
    public static IEnumerable<KeyValuePair<string, object?>> Of(object? state, IExternalScopeProvider? scopes)
    {
        var fields = Named(state).ToList();
        scopes?.ForEachScope(
            static (scope, all) => all.AddRange(Named(scope).Where(
                field => ScopeFields.Contains(field.Key) && !all.Exists(known => known.Key == field.Key))), fields);
        return fields;
    }

    /// <summary>A value as text, the same on every machine.</summary>
    public static string TextOf(object? value) => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";

    private static IEnumerable<KeyValuePair<string, object?>> Named(object? state) =>
        (state as IEnumerable<KeyValuePair<string, object?>> ?? []).Where(field => field.Key != Template);
}

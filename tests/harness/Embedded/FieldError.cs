namespace CapiRegistryHook.Harness.Embedded;

/// <summary>The complaints of field validation, in the words of apimachinery's field package.</summary>
internal static class FieldError
{
    public static StatusCause Required(string field, string? why = null) =>
        new("FieldValueRequired", why is null ? "Required value" : $"Required value: {why}", field);

    public static StatusCause Invalid(string field, object? value, string why) =>
        new("FieldValueInvalid", $"Invalid value: {(value is string ? $"\"{value}\"" : value)}: {why}", field);

    public static StatusCause Immutable(string field, object? value) => Invalid(field, value, "field is immutable");

    public static StatusCause Forbidden(string field, string why) => new("FieldValueForbidden", $"Forbidden: {why}", field);

    public static StatusCause TooLong(string field, int limit) =>
        new("FieldValueTooLong", $"Too long: must have at most {limit} bytes", field);

    public static StatusCause NotSupported(string field, string value, IEnumerable<string> supported) => new(
        "FieldValueNotSupported",
        $"Unsupported value: \"{value}\": supported values: {string.Join(", ", supported.Select(item => $"\"{item}\""))}", field);
}

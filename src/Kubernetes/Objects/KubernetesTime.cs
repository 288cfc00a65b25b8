using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace CapiRegistryHook.Kubernetes.Objects;

/// <summary>The API's Time, as annotations and metadata carry it: RFC 3339 in UTC and whole seconds.</summary>
public static class KubernetesTime
{
    private const string Layout = "yyyy-MM-dd'T'HH:mm:ss'Z'";

    /// <summary>Writes a moment; a fraction of a second is cut off.</summary>
    /// <param name="moment">The moment, in any time zone.</param>
    /// <returns>The text, as in <c>2026-01-02T03:04:05Z</c>.</returns>
    public static string Format(DateTimeOffset moment) => moment.UtcDateTime.ToString(Layout, CultureInfo.InvariantCulture);

    /// <summary>
    /// Reads what <see cref="Format"/> writes, and nothing else. The first and the last year of the calendar are refused: what anybody may
    /// write into an annotation must not overflow when a few days are added.
    /// </summary>
    /// <param name="text">The text; may be null.</param>
    /// <param name="moment">The moment.</param>
    /// <returns>False when the text is something else.</returns>
    public static bool TryParse(string? text, out DateTimeOffset moment) =>
        DateTimeOffset.TryParseExact(text, Layout, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out moment)
        && moment.Year > DateTimeOffset.MinValue.Year && moment.Year < DateTimeOffset.MaxValue.Year;
}

/// <summary>
/// The API's MicroTime. It is parsed with the layout <c>2006-01-02T15:04:05.000000Z07:00</c> (apimachinery, micro_time.go), which wants
/// exactly six digits after the point; the serializer's own format drops trailing zeros and is refused.
/// </summary>
internal sealed class MicroTimeConverter : JsonConverter<DateTimeOffset?>
{
    internal static string Format(DateTimeOffset value) =>
        value.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);

    public override DateTimeOffset? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.Null ? null : reader.GetDateTimeOffset();

    public override void Write(Utf8JsonWriter writer, DateTimeOffset? value, JsonSerializerOptions options)
    {
        if (value is { } instant)
            writer.WriteStringValue(Format(instant));
        else
            writer.WriteNullValue();
    }
}

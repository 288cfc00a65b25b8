using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace CapiRegistryHook.Kubernetes.Objects;

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

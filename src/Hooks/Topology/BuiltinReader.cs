using System.Text.Json;

namespace CapiRegistryHook.Hooks.Topology;

/// <summary>Takes the few facts out of the <c>builtin</c> variable that decide about the registry.</summary>
internal static class BuiltinReader
{
    /// <summary>The facts; null when the variable has no <c>cluster</c>.</summary>
    public static BuiltinCluster? Read(ReadOnlySpan<byte> builtin)
    {
        var reader = new Utf8JsonReader(builtin, JsonWalk.Options);
        return Enter(ref reader) && EnterProperty(ref reader, "cluster"u8) ? ReadCluster(ref reader) : null;
    }

    private static BuiltinCluster ReadCluster(ref Utf8JsonReader reader)
    {
        string? name = null, @namespace = null, uid = null;
        var network = default(Network);
        var seen = 0;
        while (JsonWalk.NextProperty(ref reader))
        {
            if (Is(ref reader, "name"u8, ref seen, 1))
                name = JsonWalk.TextOfValue(ref reader);
            else if (Is(ref reader, "namespace"u8, ref seen, 2))
                @namespace = JsonWalk.TextOfValue(ref reader);
            else if (Is(ref reader, "uid"u8, ref seen, 4))
                uid = JsonWalk.TextOfValue(ref reader);
            else if (Is(ref reader, "network"u8, ref seen, 8))
                network = Enter(ref reader) ? ReadNetwork(ref reader) : default;
            else
                JsonWalk.SkipValue(ref reader);
        }

        return new BuiltinCluster(name ?? "", @namespace ?? "", uid ?? "", network.ServiceDomain, network.Services);
    }

    private static Network ReadNetwork(ref Utf8JsonReader reader)
    {
        var network = default(Network);
        var seen = 0;
        while (JsonWalk.NextProperty(ref reader))
        {
            if (Is(ref reader, "serviceDomain"u8, ref seen, 1))
                network = network with { ServiceDomain = JsonWalk.TextOfValue(ref reader) };
            else if (Is(ref reader, "services"u8, ref seen, 2))
                network = network with { Services = ReadServices(ref reader) };
            else
                JsonWalk.SkipValue(ref reader);
        }

        return network;
    }

    private static List<string>? ReadServices(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            reader.Skip();
            return null;
        }

        var services = new List<string>();
        while (JsonWalk.NextItem(ref reader))
        {
            services.Add(reader.TokenType == JsonTokenType.String ? reader.GetString()! : "");
            reader.Skip();
        }

        return services;
    }

    /// <summary>Moves into the object that the next token starts; moves over anything else.</summary>
    private static bool Enter(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.StartObject)
            return true;
        reader.Skip();
        return false;
    }

    private static bool EnterProperty(ref Utf8JsonReader reader, ReadOnlySpan<byte> name)
    {
        while (JsonWalk.NextProperty(ref reader))
        {
            if (reader.ValueTextEquals(name))
                return Enter(ref reader);
            JsonWalk.SkipValue(ref reader);
        }

        return false;
    }

    private static bool Is(ref Utf8JsonReader reader, ReadOnlySpan<byte> name, ref int seen, int flag)
    {
        if (!reader.ValueTextEquals(name))
            return false;
        JsonWalk.See(ref seen, flag, System.Text.Encoding.UTF8.GetString(name));
        return true;
    }

    private readonly record struct Network(string? ServiceDomain, IReadOnlyList<string>? Services);
}

using System.Text.Json;
using CapiRegistryHook.Hooks.Contract;

namespace CapiRegistryHook.Hooks.Topology;

/// <summary>
/// Reads a request once, forward only, and builds nothing for what is not ours: a body of 100 KB holds perhaps 1 KB that matters.
/// Fields come in any order, and unknown ones are ignored.
/// </summary>
internal ref struct TopologyRequestReader
{
    private readonly ReadOnlySpan<byte> _body;
    private readonly string _variableName;
    private readonly TopologyRequest _request = new();
    private Utf8JsonReader _reader;

    private TopologyRequestReader(ReadOnlySpan<byte> body, string variableName)
    {
        _body = body;
        _variableName = variableName;
        _reader = new Utf8JsonReader(body, JsonWalk.Options);
    }

    /// <summary>Reads the body of a request for the given hook.</summary>
    /// <param name="hook">The hook whose request it must be.</param>
    /// <param name="body">The body.</param>
    /// <param name="variableName">The topology variable that matters.</param>
    /// <exception cref="HookRequestException">The body is not what the contract says.</exception>
    public static TopologyRequest Read(string hook, ReadOnlySpan<byte> body, string variableName)
    {
        try
        {
            HookRequest.RequireUnicode(body);
            return new TopologyRequestReader(body, variableName).Read(hook);
        }
        catch (JsonException exception)
        {
            throw new HookRequestException(
                $"The body is not valid JSON, or nested deeper than {HookRequest.DeepestNesting} levels.", exception);
        }
    }

    private TopologyRequest Read(string hook)
    {
        string? apiVersion = null, kind = null;
        var seen = 0;
        if (!_reader.Read() || _reader.TokenType != JsonTokenType.StartObject)
            throw new HookRequestException("The body must be a JSON object.");
        while (JsonWalk.NextProperty(ref _reader))
        {
            if (Is("apiVersion"u8, ref seen, 1, "apiVersion"))
                apiVersion = JsonWalk.TextOfValue(ref _reader);
            else if (Is("kind"u8, ref seen, 2, "kind"))
                kind = JsonWalk.TextOfValue(ref _reader);
            else if (Is("variables"u8, ref seen, 4, "variables"))
                _request.Variable = ReadVariables(takeBuiltin: true);
            else if (Is("items"u8, ref seen, 8, "items"))
                ReadItems();
            else
                JsonWalk.SkipValue(ref _reader);
        }

        // Finds text after the end of the object, which is not valid JSON.
        _reader.Read();
        HookRequest.Require("apiVersion", apiVersion, HookGroup.ApiVersion);
        HookRequest.Require("kind", kind, hook + "Request");
        return _request;
    }

    /// <summary>Where the value of our variable lies in a list of variables: the first of its name.</summary>
    private JsonSpan ReadVariables(bool takeBuiltin)
    {
        var found = default(JsonSpan);
        if (!EnterArray("variables"))
            return found;
        while (JsonWalk.NextItem(ref _reader))
        {
            var (name, value) = ReadVariable();
            if (found.Type == JsonTokenType.None && name == _variableName)
                found = value;
            else if (takeBuiltin && name == "builtin" && _request.Cluster is null)
                _request.Cluster = BuiltinReader.Read(value.In(_body));
        }

        return found;
    }

    private (string? Name, JsonSpan Value) ReadVariable()
    {
        string? name = null;
        var value = default(JsonSpan);
        var seen = 0;
        if (_reader.TokenType != JsonTokenType.StartObject)
            throw new HookRequestException("A variable of the request is not an object.");
        while (JsonWalk.NextProperty(ref _reader))
        {
            if (Is("name"u8, ref seen, 1, "name"))
                name = JsonWalk.TextOfValue(ref _reader);
            else if (Is("value"u8, ref seen, 2, "value"))
                value = JsonWalk.SpanOfValue(ref _reader);
            else
                JsonWalk.SkipValue(ref _reader);
        }

        return (name, value);
    }

    private void ReadItems()
    {
        if (!EnterArray("items"))
            return;
        while (JsonWalk.NextItem(ref _reader))
        {
            if (_reader.TokenType != JsonTokenType.StartObject)
                throw new HookRequestException("An item of the request is not an object.");
            ReadItem();
        }
    }

    private void ReadItem()
    {
        NodeTemplate? template = null;
        var uid = "";
        var variable = default(JsonSpan);
        var seen = 0;
        while (JsonWalk.NextProperty(ref _reader))
        {
            if (Is("uid"u8, ref seen, 1, "uid"))
                uid = JsonWalk.TextOfValue(ref _reader) ?? "";
            else if (Is("object"u8, ref seen, 2, "object"))
                template = TemplateReader.Read(ref _reader, _body);
            else if (Is("variables"u8, ref seen, 4, "variables"))
                variable = ReadVariables(takeBuiltin: false);
            else
                JsonWalk.SkipValue(ref _reader);
        }

        if (template is not null)
            (template.UnknownVersion is null ? _request.Templates : _request.UnknownTemplates)
                .Add(template with { Uid = uid, Variable = variable });
    }

    /// <summary>Moves from a property's name into the array behind it; null counts as an empty one.</summary>
    private bool EnterArray(string field)
    {
        _reader.Read();
        return _reader.TokenType switch
        {
            JsonTokenType.StartArray => true,
            JsonTokenType.Null => false,
            _ => throw new HookRequestException($"The field {field} of the request is not a list."),
        };
    }

    private bool Is(ReadOnlySpan<byte> name, ref int seen, int flag, string field)
    {
        if (!_reader.ValueTextEquals(name))
            return false;
        JsonWalk.See(ref seen, flag, field);
        return true;
    }
}

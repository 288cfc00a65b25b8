using System.Text.Json.Serialization;

namespace CapiRegistryHook.Hooks.Contract;

/// <summary>A response of a lifecycle hook.</summary>
internal sealed record HookResponse
{
    public string ApiVersion { get; } = HookGroup.ApiVersion;

    public required string Kind { get; init; }

    /// <summary>Never empty: Cluster API 1.12 and later take anything but Success for an error.</summary>
    public required string Status { get; init; }

    public required string Message { get; init; }

    /// <summary>Only on hooks that may block; above 0 it blocks.</summary>
    public int? RetryAfterSeconds { get; init; }

    public static HookResponse Success(string hook, string message) => Create(hook, "Success", message);

    public static HookResponse Failure(string hook, string message) => Create(hook, "Failure", message);

    private static HookResponse Create(string hook, string status, string message) =>
        new() { Kind = hook + "Response", Status = status, Message = message };
}

/// <summary>The response of discovery.</summary>
internal sealed record DiscoveryResponse(IReadOnlyList<DiscoveredHandler> Handlers)
{
    public string ApiVersion { get; } = HookGroup.ApiVersion;

    public string Kind { get; } = "DiscoveryResponse";

    public string Status { get; } = "Success";

    public string Message { get; } = "";
}

/// <summary>One handler in discovery.</summary>
internal sealed record DiscoveredHandler(string Name, DiscoveredHook RequestHook, int TimeoutSeconds, string FailurePolicy);

/// <summary>The hook that a handler serves.</summary>
internal sealed record DiscoveredHook(string ApiVersion, string Hook);

/// <summary>The body of every answer that is not 200.</summary>
internal sealed record ErrorBody(string Error);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(HookResponse))]
[JsonSerializable(typeof(DiscoveryResponse))]
[JsonSerializable(typeof(ErrorBody))]
[JsonSerializable(typeof(AdmissionReviewResponse))]
internal sealed partial class ContractJson : JsonSerializerContext;

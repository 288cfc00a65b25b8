using CapiRegistryHook.Registry.Text;

namespace CapiRegistryHook.Registry.Contents;

/// <summary>A label selector, as Kubernetes defines it.</summary>
/// <param name="MatchLabels">Labels that have to be there; null for none.</param>
/// <param name="MatchExpressions">Requirements that all have to hold; null for none.</param>
public sealed record ClusterSelector(
    IReadOnlyDictionary<string, string>? MatchLabels = null, IReadOnlyList<LabelRequirement>? MatchExpressions = null)
{
    /// <summary>Whether labels satisfy it. A requirement with an operator that is not known is never satisfied.</summary>
    public bool Matches(IReadOnlyDictionary<string, string>? labels)
    {
        labels ??= new Dictionary<string, string>();
        return (MatchLabels ?? new Dictionary<string, string>()).All(pair => labels.GetValueOrDefault(pair.Key) == pair.Value)
            && (MatchExpressions ?? []).All(requirement => requirement is not null && requirement.Matches(labels));
    }

    internal IEnumerable<Problem> Validate(string field)
    {
        foreach (var (requirement, index) in (MatchExpressions ?? []).Select((requirement, index) => (requirement, index)))
        {
            if (requirement?.IsValid != true)
                yield return new Problem($"{field}.matchExpressions[{index}]", $"The field {field}.matchExpressions[{index}] can't be "
                    + "used: an operator is In or NotIn with values, or Exists or DoesNotExist without.");
        }
    }
}

/// <summary>One requirement of a <see cref="ClusterSelector"/>.</summary>
/// <param name="Key">The label.</param>
/// <param name="Operator">In, NotIn, Exists or DoesNotExist.</param>
/// <param name="Values">The values of In and NotIn.</param>
public sealed record LabelRequirement(string? Key, string? Operator, IReadOnlyList<string>? Values = null)
{
    internal bool IsValid => !string.IsNullOrEmpty(Key) && Operator switch
    {
        "In" or "NotIn" => Values is { Count: > 0 },
        "Exists" or "DoesNotExist" => Values is null or { Count: 0 },
        _ => false,
    };

    internal bool Matches(IReadOnlyDictionary<string, string> labels)
    {
        var value = labels.GetValueOrDefault(Key ?? "");
        return Operator switch
        {
            "In" => value is not null && Values?.Contains(value) == true,
            "NotIn" => value is null || Values?.Contains(value) != true,
            "Exists" => value is not null,
            "DoesNotExist" => value is null,
            _ => false,
        };
    }
}

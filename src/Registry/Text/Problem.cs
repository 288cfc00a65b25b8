namespace CapiRegistryHook.Registry.Text;

/// <summary>Something a user must change. <paramref name="Sentence"/> names the field, the value and the remedy.</summary>
/// <param name="Field">The path of the field, for example <c>spec.clusterNetwork.services.cidrBlocks[0]</c>.</param>
/// <param name="Sentence">One fixed sentence: the same input gives the same text.</param>
public sealed record Problem(string Field, string Sentence)
{
    /// <summary>All sentences in one text, sorted by field, each once.</summary>
    public static string Describe(IEnumerable<Problem> problems) =>
        string.Join(" ", problems.OrderBy(problem => problem.Field, StringComparer.Ordinal)
            .ThenBy(problem => problem.Sentence, StringComparer.Ordinal)
            .Select(problem => problem.Sentence).Distinct());
}

namespace CapiRegistryHook.Kubernetes.Connection;

/// <summary>The cluster and the user that a kubeconfig's context means.</summary>
/// <param name="Cluster">The cluster's mapping.</param>
/// <param name="User">The user's mapping; null when the context has none.</param>
/// <param name="Namespace">The context's namespace.</param>
internal sealed record KubeconfigSelection(KubeconfigNode Cluster, KubeconfigNode User, string? Namespace)
{
    /// <summary>The context asked for; else the current one; else the only one; else the only cluster with the only user.</summary>
    public static KubeconfigSelection Choose(KubeconfigNode root, string? contextName)
    {
        var contexts = root["contexts"].Items;
        var wanted = contextName ?? root["current-context"].Text;
        if (wanted is null && contexts.Count == 0)
            return new KubeconfigSelection(Only(root, "clusters", "cluster"), Only(root, "users", "user"), null);
        if (wanted is null && contexts.Count > 1)
            throw new KubeconfigException($"The kubeconfig has no current-context and several contexts; choose one of {Names(contexts)}.");
        var context = (wanted is null ? contexts[0] : Named(root, "contexts", wanted))["context"].AsMapping();
        var user = context["user"].Text is { } name ? Named(root, "users", name)["user"] : new KubeconfigNode("user", null);
        return new KubeconfigSelection(
            Named(root, "clusters", context["cluster"].Required)["cluster"].AsMapping(), user.AsMapping(), context["namespace"].Text);
    }

    private static KubeconfigNode Named(KubeconfigNode root, string list, string name)
    {
        var items = root[list].Items;
        // The first of several entries of one name counts, as in the reference client.
        foreach (var item in items)
        {
            if (item["name"].Text == name)
                return item;
        }

        throw new KubeconfigException($"The kubeconfig has no entry \"{Printable(name)}\" in {list}; it has {Names(items)}.");
    }

    private static KubeconfigNode Only(KubeconfigNode root, string list, string key)
    {
        var items = root[list].Items;
        return items.Count switch
        {
            1 => items[0][key].AsMapping(),
            0 when list == "users" => new KubeconfigNode("user", null),
            _ => throw new KubeconfigException(
                $"The kubeconfig has no contexts and {items.Count} {list}; add a context and name it in current-context."),
        };
    }

    private static string Names(IReadOnlyList<KubeconfigNode> items) =>
        items.Count == 0
            ? "none"
            : string.Join(", ", items.Take(10).Select(item => Printable(item["name"].Text ?? "(without a name)")))
            + (items.Count > 10 ? ", …" : "");

    private static string Printable(string name) =>
        string.Concat(name.Take(100).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c));
}

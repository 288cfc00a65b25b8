namespace CapiRegistryHook.Unit.Tests.Fuzz;

/// <summary>What hostile authors write into the languages that are parsed here.</summary>
internal static class Words
{
    public static readonly IReadOnlyList<string> Json =
    [
        "null", "true", "0", "-1", "1e999", "-0", "9223372036854775808", "0.1", "\"\"", "{}", "[]", "[null]", "{\"\":0}", "[[", "{\"a\":",
        "\"\\ud800\"", "\"\\u0000\"", "\"\\u202e\"", "\"{{ .Values }}\"", "\"{{\"", "\"a\\nb\\r\\u001b[31m\"", "\"../../x\"",
        "\"10.0.0.0/33\"",
        "\"fd00::/8\"", "\"0.0.0.0/0\"", "\"::ffff:10.0.0.1\"", "\"99999999999999999999Gi\"", "\"ＡＢ\"", "\"" + new string('a', 5000) + "\"",
        "\"name\":\"clusterConfig\",", "\"addons\":{\"registry\":{}},", "\"kind\":\"KubeadmControlPlaneTemplate\",", "\u0000", "\ufeff",
        "//x\n", "'",
    ];

    public static readonly IReadOnlyList<string> Yaml =
    [
        "&a", "*a", "&a [*a]", "<<: *a", "!!binary", "!<tag:x>", "---\n", "...\n", "%YAML 9.9\n", "? ", "- ", ": ", "{a: ", "[", "|\n",
        ">-\n", "\t", "#", "\"", "'",
        "~", "null", "yes", "0x10", "1e999", ".inf", ".nan", "1_000", "2001-01-01", "{{ x }}", "\u2028", "\u0000", "\ufeff", "\ud83d\ude00",
        "../", "https://169.254.169.254",
        "a: &x {b: 1}\nc: *x\n", new string(' ', 300), new string('k', 3000),
    ];
}

using CapiRegistryHook.Certificates;

namespace CapiRegistryHook.Registry.Settings;

/// <summary>The words for key algorithms in options and variables.</summary>
internal static class CertificateAlgorithms
{
    public const string Default = "ECDSA-P256";

    private static readonly (string Word, KeyAlgorithm Algorithm)[] Entries =
    [
        (Default, KeyAlgorithm.EcdsaP256),
        ("RSA-2048", KeyAlgorithm.Rsa2048),
        ("RSA-3072", KeyAlgorithm.Rsa3072),
        ("RSA-4096", KeyAlgorithm.Rsa4096),
    ];

    public static IReadOnlyList<string> Words => [.. Entries.Select(entry => entry.Word)];

    public static string List => string.Join(", ", Words);

    public static bool TryParse(string? word, out KeyAlgorithm algorithm)
    {
        var index = Array.FindIndex(Entries, entry => entry.Word == word);
        algorithm = index < 0 ? default : Entries[index].Algorithm;
        return index >= 0;
    }

    /// <summary>The algorithm of a word that was validated before.</summary>
    public static KeyAlgorithm Parse(string word) => Entries.Single(entry => entry.Word == word).Algorithm;

    public static string Word(KeyAlgorithm algorithm) => Entries.Single(entry => entry.Algorithm == algorithm).Word;
}

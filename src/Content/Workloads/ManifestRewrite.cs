using System.Text;
using CapiRegistryHook.Content.References;
using YamlDotNet.Core;

namespace CapiRegistryHook.Content.Workloads;

/// <summary>Manifests with other images.</summary>
/// <param name="Text">The manifests; all but the replaced values is as it was.</param>
/// <param name="Rewritten">What was replaced, in the order of the text.</param>
/// <param name="Left">What was left alone: not in the registry, not a reference, or written in a form that can't be replaced in
/// place.</param>
public sealed record RewriteResult(string Text, IReadOnlyList<ImageMention> Rewritten, IReadOnlyList<ImageMention> Left);

/// <summary>Replaces image references in manifests.</summary>
public static class ManifestRewrite
{
    /// <summary>Replaces what is found elsewhere.</summary>
    /// <param name="yaml">The manifests.</param>
    /// <param name="more">Where objects of other kinds name images.</param>
    /// <param name="replace">The full name to write instead; null to leave an image alone.</param>
    /// <exception cref="ContentException">The text is not YAML that can be used.</exception>
    public static RewriteResult Apply(string yaml, IReadOnlyList<ImagePath> more, Func<Reference, Reference?> replace)
    {
        var (rewritten, left) = (new List<ImageMention>(), new List<ImageMention>());
        var text = new StringBuilder(yaml.Length);
        var done = 0;
        foreach (var mention in ImageScan.Find(yaml, more))
        {
            if (mention.Place is not { } place || !Reference.TryParse(mention.Image, out var reference)
                || replace(reference) is not { } other)
            {
                left.Add(mention);
                continue;
            }

            text.Append(yaml, done, place.Start - done).Append(Quoted(other.ToString(), mention.Style));
            done = place.Start + place.Length;
            rewritten.Add(mention);
        }

        return new RewriteResult(text.Append(yaml, done, yaml.Length - done).ToString(), rewritten, left);
    }

    // A bracket, as around an IPv6 address, would begin a list.
    private static string Quoted(string value, ScalarStyle style) =>
        style == ScalarStyle.Plain && value.StartsWith('[') ? $"\"{value}\"" : value;
}

using System.Text;
using CapiRegistryHook.Certificates;
using CapiRegistryHook.Kubernetes.Objects;
using CapiRegistryHook.Registry.Authorities;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Trust;

namespace CapiRegistryHook.Registry.Backup;

/// <summary>
/// A root backup as text: PEM blocks with a line before each that says where it belongs, which tools that read PEM pass over (RFC 7468
/// section 5.2). The private keys are encrypted; nothing else is secret.
/// </summary>
internal static class RootBackupText
{
    private const string Header = "capi-registry-hook root backup, version 1";
    private const string CurrentPart = "Secret: current";
    private const string NextPart = "Secret: next";
    private const string RootLine = "Root: ";
    private const string AnnotationLine = "Annotation: ";
    private const string DataLine = "Data: ";

    /// <summary>The key comes first, so that tools that read one PEM block of a file read that.</summary>
    private static readonly string[] Keys =
        [SecretKeys.PrivateKey, SecretKeys.Certificate, SecretKeys.Authority, AuthoritySecret.CrossCertificatesKey];

    /// <exception cref="CertificateException">A key can't be read.</exception>
    public static string Write(RootBackup backup, IKeyProtection protection)
    {
        var text = new StringBuilder($"{Header}\nThe private keys are encrypted; certificates and annotations are not.\n");
        Write(text, CurrentPart, backup.Current, protection);
        if (backup.Next is { } next)
            Write(text, NextPart, next, protection);
        return text.ToString();
    }

    /// <summary>Reads a backup and decrypts its keys.</summary>
    /// <exception cref="RootBackupException">It is not a backup, is damaged, or can't be decrypted.</exception>
    public static RootBackup Read(ReadOnlySpan<byte> content, IKeyProtection protection)
    {
        var parts = Split(Encoding.UTF8.GetString(content));
        AuthoritySecret? current = null;
        try
        {
            current = Load(parts[0], protection);
            var next = parts.Count > 1 ? Load(parts[1], protection) : null;
            if (next is null || current.IsFollowedBy(next))
                return new RootBackup(current, next);
            next.Dispose();
            throw Damaged();
        }
        catch (CertificateException exception)
        {
            current?.Dispose();
            throw new RootBackupException($"The root backup can't be used. {exception.Message}", exception);
        }
        catch (RootBackupException)
        {
            current?.Dispose();
            throw;
        }
    }

    private static void Write(StringBuilder text, string part, AuthoritySecret root, IKeyProtection protection)
    {
        text.Append('\n').Append(part).Append('\n').Append(RootLine).Append(root.Id).Append('\n');
        foreach (var name in RootAnnotations.Carried)
        {
            if (root.Annotation(name) is { } value)
                text.Append(AnnotationLine).Append(name).Append('=').Append(Uri.EscapeDataString(value)).Append('\n');
        }

        foreach (var key in Keys)
        {
            var value = root.Secret.Value(key);
            if (!value.IsEmpty)
                text.Append(DataLine).Append(key).Append('\n')
                    .Append(key == SecretKeys.PrivateKey ? protection.Encrypt(value.Span) : Encoding.UTF8.GetString(value.Span))
                    .Append('\n');
        }
    }

    /// <summary>One part, or two.</summary>
    private static List<Part> Split(string text)
    {
        var parts = new List<Part>();
        var lines = text.Split('\n');
        if (lines[0].TrimEnd('\r') != Header)
            throw new RootBackupException(
                "The file is not a root backup of this version; make one with \"capi-registry-hook root export\".");
        foreach (var line in lines.Select(line => line.TrimEnd('\r')))
        {
            if (line == (parts.Count == 0 ? CurrentPart : NextPart) && parts.Count < 2)
                parts.Add(new Part());
            else if (parts.Count > 0)
                parts[^1].Take(line);
        }

        return parts.Count > 0 ? parts : throw Damaged();
    }

    private static AuthoritySecret Load(Part part, IKeyProtection protection)
    {
        var data = part.Data.ToDictionary(entry => entry.Key, entry => Encoding.UTF8.GetBytes(entry.Value.ToString()));
        if (!data.TryGetValue(SecretKeys.PrivateKey, out var encrypted))
            throw Damaged();
        data[SecretKeys.PrivateKey] = protection.Decrypt(encrypted);
        var root = AuthoritySecret.Load(new Secret { Metadata = new ObjectMeta { Annotations = part.Annotations }, Data = data });
        if (root.Id == part.Root)
            return root;
        root.Dispose();
        throw Damaged();
    }

    private static RootBackupException Damaged() => new("The root backup is damaged; use another copy.");

    /// <summary>The lines of one Secret.</summary>
    private sealed class Part
    {
        private StringBuilder? _value;

        public string? Root { get; private set; }

        public Dictionary<string, string> Annotations { get; } = [];

        public Dictionary<string, StringBuilder> Data { get; } = [];

        public void Take(string line)
        {
            if (line.StartsWith(RootLine, StringComparison.Ordinal))
                Root = line[RootLine.Length..];
            else if (line.StartsWith(AnnotationLine, StringComparison.Ordinal))
                TakeAnnotation(line[AnnotationLine.Length..]);
            else if (line.StartsWith(DataLine, StringComparison.Ordinal))
                _value = Keys.Contains(line[DataLine.Length..]) && Data.TryAdd(line[DataLine.Length..], new StringBuilder())
                    ? Data[line[DataLine.Length..]] : throw Damaged();
            else if (line.Length > 0)
                _value?.Append(line).Append('\n');
        }

        private void TakeAnnotation(string entry)
        {
            var at = entry.IndexOf('=', StringComparison.Ordinal);
            if (at < 0 || !RootAnnotations.Carried.Contains(entry[..at]))
                throw Damaged();
            Annotations[entry[..at]] = Uri.UnescapeDataString(entry[(at + 1)..]);
        }
    }
}

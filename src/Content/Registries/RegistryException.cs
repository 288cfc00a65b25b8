using System.Net;
using CapiRegistryHook.Content.References;

namespace CapiRegistryHook.Content.Registries;

/// <summary>A registry refused a call, or could not be reached.</summary>
public sealed class RegistryException : ContentException
{
    /// <summary>The code of a removal that this client refuses, because something else needs the manifest.</summary>
    public const string InUse = "IN_USE";

    /// <summary>An exception without a sentence of its own.</summary>
    public RegistryException()
    {
    }

    /// <summary>What was refused.</summary>
    /// <param name="message">One sentence.</param>
    public RegistryException(string message)
        : base(message)
    {
    }

    /// <summary>What failed, and why.</summary>
    /// <param name="message">One sentence.</param>
    /// <param name="innerException">The cause.</param>
    public RegistryException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>The HTTP status; null when there was no answer.</summary>
    public HttpStatusCode? Status { get; init; }

    /// <summary>The registry's own error code, for example <c>MANIFEST_BLOB_UNKNOWN</c>, or <see cref="InUse"/>; null for none.</summary>
    public string? Code { get; init; }
}

namespace CapiRegistryHook.Delivery.Targets;

/// <summary>Something could not be delivered; the message is one sentence with the remedy where there is one.</summary>
/// <param name="message">The sentence.</param>
/// <param name="cause">What happened below; null when nothing failed.</param>
public sealed class DeliveryException(string message, Exception? cause = null) : Exception(message, cause);

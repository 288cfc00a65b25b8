namespace CapiRegistryHook.Kubernetes.Connection;

/// <summary>A kubeconfig or a pod's service account that can't be used; the message names the field and the remedy and never holds a
/// credential.</summary>
/// <param name="message">One sentence.</param>
/// <param name="innerException">The cause below, if any.</param>
public sealed class KubeconfigException(string message, Exception? innerException = null) : Exception(message, innerException);

using System.Text;
using CapiRegistryHook.Hooks.Operations;

namespace CapiRegistryHook.Hooks.Serving;

/// <summary>Everything that <c>/metrics</c> shows; docs/metrics.md describes each name.</summary>
internal sealed class MetricsPage(IEnumerable<IMetricsSource> sources, ListenerCertificate certificate)
{
    public string Write()
    {
        var text = new MetricsText();
        text.Family("capi_registry_hook_build_info", "gauge", "Always 1; the label is the version of the service.");
        text.Sample("capi_registry_hook_build_info", 1, ("version", ServiceVersion.Text));
        text.Family(
            "capi_registry_hook_serving_certificate_not_after_timestamp_seconds", "gauge",
            "When the certificate that is served ends, in seconds since 1970.");
        text.Sample("capi_registry_hook_serving_certificate_not_after_timestamp_seconds", certificate.NotAfter.ToUnixTimeSeconds());
        foreach (var source in sources)
            source.WriteTo(text);
        return text.ToString();
    }

    public Task AnswerAsync(HttpContext http)
    {
        http.Response.ContentType = MetricsText.ContentType;
        return http.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(Write()), http.RequestAborted).AsTask();
    }
}

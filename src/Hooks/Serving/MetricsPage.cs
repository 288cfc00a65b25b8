using System.Text;
using CapiRegistryHook.Hooks.Operations;

namespace CapiRegistryHook.Hooks.Serving;

/// <summary>Everything that <c>/metrics</c> shows; <see cref="ServiceMetrics"/> declares each metric.</summary>
internal sealed class MetricsPage(IEnumerable<IMetricsSource> sources, ListenerCertificate certificate)
{
    public string Write()
    {
        var text = new MetricsText();
        text.Family(ServiceMetrics.BuildInfo);
        text.Sample(ServiceMetrics.BuildInfo, 1, ServiceVersion.Text);
        text.Family(ServiceMetrics.ServingCertificate);
        text.Sample(ServiceMetrics.ServingCertificate, certificate.NotAfter.ToUnixTimeSeconds());
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

using System.Text;
using CapiRegistryHook.Kubernetes.Client;

namespace CapiRegistryHook.Unit.Tests.Kubernetes.Client;

public sealed class ApiExceptionsTests
{
    [Theory]
    [InlineData(404, "NotFound", KubernetesFault.NotFound)]
    [InlineData(409, "AlreadyExists", KubernetesFault.AlreadyExists)]
    [InlineData(409, "Conflict", KubernetesFault.Conflict)]
    [InlineData(410, "Expired", KubernetesFault.Gone)]
    [InlineData(422, "Invalid", KubernetesFault.Invalid)]
    [InlineData(403, "Forbidden", KubernetesFault.Forbidden)]
    [InlineData(401, "Unauthorized", KubernetesFault.Unauthorized)]
    [InlineData(429, "TooManyRequests", KubernetesFault.TooManyRequests)]
    [InlineData(500, "InternalError", KubernetesFault.Unavailable)]
    [InlineData(503, "ServiceUnavailable", KubernetesFault.Unavailable)]
    [InlineData(504, "Timeout", KubernetesFault.Timeout)]
    [InlineData(400, "BadRequest", KubernetesFault.Other)]
    [InlineData(405, "MethodNotAllowed", KubernetesFault.Other)]
    public void From_Status_IsTyped(int code, string reason, KubernetesFault fault)
    {
        var failure = From(
            code, $$$"""{"kind":"Status","reason":"{{{reason}}}","message":"said so","code":{{{code}}},"details":{"name":"one"}}""");
        Assert.Equal((fault, code, reason), (failure.Fault, failure.StatusCode, failure.Reason));
        Assert.Equal("secrets ns/one: said so", failure.Message);
    }

    [Theory]
    [InlineData(404, "404 page not found", KubernetesFault.NotFound)]
    [InlineData(502, "<html>Bad Gateway</html>", KubernetesFault.Unavailable)]
    [InlineData(301, "", KubernetesFault.BadResponse)]
    [InlineData(401, "{\"kind\":\"Secret\",\"message\":\"x\"}", KubernetesFault.Unauthorized)]
    [InlineData(409, "[1,2", KubernetesFault.Conflict)]
    [InlineData(418, "null", KubernetesFault.Other)]
    public void From_NoStatus_GoesByTheCodeAndQuotesNothing(int code, string body, KubernetesFault fault)
    {
        var failure = From(code, body);
        Assert.Equal((fault, (string?)null), (failure.Fault, failure.Reason));
        Assert.Equal($"secrets ns/one: the server answered {code} without a Status", failure.Message);
    }

    [Fact]
    public void From_LongMessage_IsCutAndFreeOfControlCharacters()
    {
        var failure = From(422, $$"""{"kind":"Status","message":"a\u0000\r\n{{new string('b', 5000)}}"}""");
        Assert.InRange(failure.Message.Length, 200, 300);
        Assert.DoesNotContain(failure.Message, char.IsControl);
    }

    [Fact]
    public void From_RetryAfterInDetails_IsTaken() =>
        Assert.Equal(TimeSpan.FromSeconds(3), From(429, """{"kind":"Status","details":{"retryAfterSeconds":3}}""").RetryAfter);

    private static KubernetesApiException From(int code, string body) =>
        ApiExceptions.OfAnswer("secrets ns/one", code, null, ApiExceptions.ReadStatus(Encoding.UTF8.GetBytes(body)));
}

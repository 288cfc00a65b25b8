using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using CapiRegistryHook.Kubernetes.Objects;

namespace CapiRegistryHook.Kubernetes.Connection;

/// <summary>Runs an exec plugin once, without a shell, without input, for a limited time and with a limited output.</summary>
internal static class ExecRun
{
    private const int MostOutput = 1024 * 1024;

    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);

    public static async Task<ExecCredentialStatus> RunAsync(ExecPlugin plugin, TimeProvider time, CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = new(Longest, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        using var process = Start(plugin);
        try
        {
            process.StandardInput.Close();
            var errors = DrainAsync(process.StandardError.BaseStream, either.Token);
            var output = await ReadAsync(plugin, process.StandardOutput.BaseStream, either.Token);
            await errors;
            await process.WaitForExitAsync(either.Token);
            return process.ExitCode == 0
                ? Parse(plugin, output)
                : throw new CredentialException($"{plugin} ended with exit code {process.ExitCode}; run it by hand to see why.");
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new CredentialException($"{plugin} gave no answer within {Longest.TotalSeconds:0} s.");
        }
        catch (IOException exception)
        {
            throw new CredentialException($"{plugin} broke off.", exception);
        }
        finally
        {
            Kill(process);
        }
    }

    internal static ExecCredentialStatus Parse(ExecPlugin plugin, ReadOnlySpan<byte> output)
    {
        ExecCredential? credential;
        try
        {
            credential = JsonSerializer.Deserialize(output, KubernetesJson.Default.ExecCredential);
        }
        catch (JsonException)
        {
            throw new CredentialException($"{plugin} printed no ExecCredential.");
        }

        if (credential is not { Kind: "ExecCredential", Status: { } status })
            throw new CredentialException($"{plugin} printed no ExecCredential with a status.");
        if (credential.ApiVersion != plugin.ApiVersion)
            throw new CredentialException($"{plugin} answered in another version than the kubeconfig's {plugin.ApiVersion}.");
        if (status.Token is null && status.ClientCertificateData is not null)
        {
            throw new CredentialException(
                $"{plugin} gave a client certificate; only tokens of plugins are supported, so put the certificate into the kubeconfig.");
        }

        return status;
    }

    private static Process Start(ExecPlugin plugin)
    {
        ProcessStartInfo start = new(plugin.Command, plugin.Arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach ((var name, var value) in plugin.Environment)
            start.Environment[name] = value;
        start.Environment["KUBERNETES_EXEC_INFO"] = plugin.ExecInfo;
        try
        {
            return Process.Start(start) ?? throw new CredentialException($"{plugin} did not start.");
        }
        catch (Exception exception) when (exception is Win32Exception or InvalidOperationException)
        {
            throw new CredentialException($"{plugin} can't be started; install it, or correct exec.command in the kubeconfig.", exception);
        }
    }

    private static async Task<byte[]> ReadAsync(ExecPlugin plugin, Stream stream, CancellationToken cancellationToken)
    {
        using MemoryStream output = new();
        var buffer = new byte[8192];
        for (int read; (read = await stream.ReadAsync(buffer, cancellationToken)) > 0;)
        {
            if (output.Length + read > MostOutput)
                throw new CredentialException($"{plugin} printed more than {MostOutput / 1024} KiB.");
            output.Write(buffer, 0, read);
        }

        return output.ToArray();
    }

    // What a plugin says about its errors can hold credentials, so it is read to keep the pipe empty and then dropped.
    private static async Task DrainAsync(Stream stream, CancellationToken cancellationToken)
    {
        var buffer = new byte[4096];
        while (await stream.ReadAsync(buffer, cancellationToken) > 0)
        {
        }
    }

    private static void Kill(Process process)
    {
        try
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
        catch (Exception exception) when (exception is InvalidOperationException or Win32Exception or AggregateException)
        {
            // It ended by itself in between.
        }
    }
}

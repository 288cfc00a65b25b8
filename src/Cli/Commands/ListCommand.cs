using System.CommandLine;
using System.Text.Json;
using CapiRegistryHook.Cli.Output;
using CapiRegistryHook.Content.Bundles;
using CapiRegistryHook.Content.References;
using CapiRegistryHook.Delivery.Targets;

namespace CapiRegistryHook.Cli.Commands;

/// <summary>Lists what a registry has. Rows are printed as they are read, repository by repository, so that any size will do.</summary>
internal static class ListCommand
{
    private static readonly string[] Heads = ["REPOSITORY", "TAG", "KIND", "DIGEST", "SIZE", "PLATFORMS"];

    public static Command Build(TimeProvider time)
    {
        var repository = new Argument<string?>("REPOSITORY")
        {
            Description = "A repository, as this command prints it; all of them without it.", Arity = ArgumentArity.ZeroOrOne,
        };
        var output = OutputFormat.Option();
        var targets = new TargetArguments();
        var command = new Command("list", "List the content of a cluster's registry, tag by tag.") { repository, output };
        targets.Bind(command, time, (reader, result) =>
        {
            var isJson = OutputFormat.IsJson(reader, result.GetValue(output)!);
            var only = result.GetValue(repository);
            if (only is not null && !ReferenceGrammar.IsRepository(only))
                reader.Refuse("REPOSITORY", "is not a repository: write it as this command prints it, without a host and a tag.");
            return selection => RunAsync(selection, only, isJson);
        });
        return command;
    }

    private static Task<int> RunAsync(TargetSelection selection, string? only, bool isJson) =>
        selection.RunOnOneAsync(async (target, cancellationToken) =>
        {
            var content = ReadAsync(target, only, cancellationToken);
            var count = isJson ? await WriteJsonAsync(content) : await WriteTableAsync(content);
            return count > 0 || only is null ? ExitCode.Success : ExitCode.Fail($"The registry of {target.Name} has no tags in {only}.");
        });

    private static async IAsyncEnumerable<IReadOnlyList<ListedContent>> ReadAsync(
        RegistryTarget target, string? only, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var repositories = only is null ? target.Client.RepositoriesAsync(cancellationToken) : new[] { only }.ToAsyncEnumerable();
        await foreach (var repository in repositories)
        {
            const int MostAtOnce = 1000;
            var page = new List<ListedContent>();
            await foreach (var content in RegistryListing.ReadAsync(target.Client, repository, cancellationToken))
            {
                page.Add(content);
                if (page.Count < MostAtOnce)
                    continue;
                yield return page;
                page = [];
            }

            if (page.Count > 0)
                yield return page;
        }
    }

    // One block for each repository: its columns are as wide as it needs.
    private static async Task<int> WriteTableAsync(IAsyncEnumerable<IReadOnlyList<ListedContent>> pages)
    {
        var count = 0;
        await foreach (var page in pages)
        {
            await Console.Out.WriteAsync((count > 0 ? "\n" : "") + TextTable.Write(Heads, page.Select(Row)));
            count += page.Count;
        }

        return count;
    }

    private static string[] Row(ListedContent listed) => listed.Content is { } content
        ? [listed.Repository, listed.Tag, content.Kind.ToString(), content.Digest.ToString(), ByteText.Of(content.Size),
            string.Join(",", content.Platforms)]
        : [listed.Repository, listed.Tag, "-", "-", "-", listed.Problem ?? ""];

    private static async Task<int> WriteJsonAsync(IAsyncEnumerable<IReadOnlyList<ListedContent>> pages)
    {
        var count = 0;
        await using var standard = Console.OpenStandardOutput();
        await using var json = new Utf8JsonWriter(standard, OutputFormat.Indented);
        json.WriteStartObject();
        json.WriteStartArray("content");
        await foreach (var page in pages)
        {
            foreach (var listed in page)
                Write(json, listed);
            await json.FlushAsync();
            count += page.Count;
        }

        json.WriteEndArray();
        json.WriteEndObject();
        return count;
    }

    private static void Write(Utf8JsonWriter json, ListedContent listed)
    {
        json.WriteStartObject();
        json.WriteString("repository", listed.Repository);
        json.WriteString("tag", listed.Tag);
        json.WriteString("digest", listed.Content?.Digest.ToString());
        json.WriteString("kind", listed.Content?.Kind.ToString());
        if (listed.Content is { } content)
            json.WriteNumber("size", content.Size);
        json.WriteTexts("platforms", listed.Content?.Platforms ?? []);
        if (listed.Problem is not null)
            json.WriteString("problem", listed.Problem);
        json.WriteEndObject();
    }
}

using System.Diagnostics;
using System.Text;
using CapiRegistryHook.Harness;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.FSharp.Core;

namespace CapiRegistryHook.Unit.Tests.Fuzz;

/// <summary>
/// Tries a parser on good inputs, on the files of its corpus folder, and on what FsCheck makes of them. The seed is fixed, so that a
/// run can be repeated; FUZZ_SEED takes another one, or "random". An input that broke something is shrunk by FsCheck, and belongs into
/// the corpus folder.
/// </summary>
internal sealed class Fuzzer(string corpus, IReadOnlyList<byte[]> seeds, IReadOnlyList<string> words)
{
    /// <summary>
    /// No input of the size that is made here takes more than some milliseconds; a machine that does other things too takes longer.
    /// </summary>
    private static readonly TimeSpan LongestInput = TimeSpan.FromSeconds(5);

    private static readonly int Seed = TestSeed.From("FUZZ_SEED");

    private readonly byte[][] _all = [.. seeds, .. Files(corpus)];
    private int _accepted;
    private int _refused;

    /// <summary>Runs the parser on that many inputs.</summary>
    /// <param name="inputs">How many.</param>
    /// <param name="accepts">True when the parser took the input, false when it said what is wrong; anything else is an exception.</param>
    /// <param name="output">Gets one line with the figures.</param>
    public void Run(int inputs, Func<byte[], bool> accepts, ITestOutputHelper output)
    {
        var started = Stopwatch.GetTimestamp();
        foreach (var seed in _all)
            Try(seed, accepts);
        var config = Config.QuickThrowOnFailure
            .WithMaxTest(inputs)
            .WithQuietOnSuccess(true)
            .WithReplay(FSharpOption<Replay>.Some(new Replay(new Rnd((ulong)Seed), FSharpOption<int>.None)));
        Prop.ForAll(Arb.From(Steps(), Shrink), steps => Try(steps.Input(_all, words), accepts)).Check(config);

        output.WriteLine(
            $"{corpus}, seed {Seed}: {_accepted + _refused} inputs in {Stopwatch.GetElapsedTime(started).TotalSeconds:F1} s, {_accepted} "
                + $"accepted, {_refused} refused");
        Assert.True(_accepted > 0 && _refused > 0, "Inputs of one kind alone show nothing.");
    }

    private void Try(byte[] input, Func<byte[], bool> accepts)
    {
        var started = Stopwatch.GetTimestamp();
        if (accepts(input))
            _accepted++;
        else
            _refused++;
        var took = Stopwatch.GetElapsedTime(started);
        Assert.True(took < LongestInput, $"{took} for {Encoding.UTF8.GetString(input)}");
    }

    private Gen<FuzzSteps> Steps()
    {
        var number = Gen.Choose(0, int.MaxValue - 1);
        var kind = Gen.Frequency(
            (8, Gen.Elements(MutationKind.SetByte, MutationKind.Delete, MutationKind.Duplicate, MutationKind.Insert)),
            (24, Gen.Constant(MutationKind.ReplaceValue)),
            (2, Gen.Elements(MutationKind.Truncate, MutationKind.Splice)));
        // Bombs are costly, and a few thousand of them tell as much as many.
        var rare = Gen.Frequency((50, kind), (1, Gen.Constant(MutationKind.InsertMany)));
        var mutation =
            from what in rare
            from place in number
            from length in number
            from choice in number
            select new Mutation(what, place, length, choice);
        return
            from start in Gen.Choose(0, _all.Length - 1)
            from count in Gen.Choose(1, 3)
            from mutations in Gen.ArrayOf(mutation, count)
            select new FuzzSteps(start, mutations);
    }

    private static IEnumerable<FuzzSteps> Shrink(FuzzSteps steps) =>
        steps.Mutations.Select((_, index) => steps with { Mutations = [.. steps.Mutations.Where((_, other) => other != index)] });

    private static List<byte[]> Files(string corpus)
    {
        var folder = Path.Combine(RepositoryRoot.Find(), "tests", "unit", "Fuzz", "corpus", corpus);
        var files = Directory.GetFiles(folder).Order(StringComparer.Ordinal).Select(File.ReadAllBytes).ToList();
        Assert.NotEmpty(files);
        return files;
    }
}

/// <summary>A seed and what is done to it. Printed by FsCheck when it breaks something.</summary>
internal sealed record FuzzSteps(int Seed, Mutation[] Mutations)
{
    public byte[] Input(IReadOnlyList<byte[]> seeds, IReadOnlyList<string> words) =>
        Mutations.Aggregate(seeds[Seed], (input, mutation) => mutation.Apply(input, seeds, words));

    public override string ToString() => $"seed {Seed}: {string.Join(", ", Mutations)}";
}

using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace CapiRegistryHook.Registry.Logins;

/// <summary>
/// The bcrypt hash of a password, the only one that CNCF Distribution accepts. .NET has none, and no library with it can be had: see
/// docs/decisions/0030. Not hardened against timing, because it only hashes passwords that were generated a moment ago.
/// </summary>
internal static class Bcrypt
{
    public const int SaltLength = 16;

    /// <summary>Longer passwords would be cut, which other programs do in silence.</summary>
    public const int LongestPassword = 72;

    private const int Rounds = 16;
    private const int SubkeyCount = Rounds + 2;
    private const int BoxSize = 256;
    private const int HashLength = 23;
    private const string Alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    private static readonly Lazy<uint[]> InitialState = new(() => PiFraction(SubkeyCount + (4 * BoxSize)));

    /// <param name="password">ASCII, at most 72 characters.</param>
    /// <param name="salt">16 random bytes.</param>
    /// <param name="cost">Binary logarithm of the number of rounds, 4 to 31; each step doubles the time.</param>
    public static string Hash(string password, ReadOnlySpan<byte> salt, int cost)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(password.Length, LongestPassword);
        ArgumentOutOfRangeException.ThrowIfNotEqual(salt.Length, SaltLength);
        ArgumentOutOfRangeException.ThrowIfLessThan(cost, 4);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(cost, 31);
        var state = (uint[])InitialState.Value.Clone();
        var key = Words(Encoding.ASCII.GetBytes(password + '\0'), SubkeyCount);
        var saltWords = Words(salt, SubkeyCount);
        Expand(state, key, saltWords);
        var noSalt = new uint[SubkeyCount];
        for (var round = 0L; round < 1L << cost; round++)
        {
            Expand(state, key, noSalt);
            Expand(state, saltWords, noSalt);
        }

        return $"$2y${cost:00}${Encode(salt)}{Encode(Digest(state))}";
    }

    /// <summary>Big-endian words of the bytes, repeated for as long as needed.</summary>
    private static uint[] Words(ReadOnlySpan<byte> bytes, int count)
    {
        var words = new uint[count];
        for (var index = 0; index < count * 4; index++)
            words[index / 4] = (words[index / 4] << 8) | bytes[index % bytes.Length];
        return words;
    }

    /// <summary>Blowfish's key schedule, with a salt mixed into what is encrypted.</summary>
    private static void Expand(uint[] state, uint[] key, uint[] salt)
    {
        for (var index = 0; index < SubkeyCount; index++)
            state[index] ^= key[index];
        uint left = 0, right = 0;
        for (var index = 0; index < state.Length; index += 2)
        {
            left ^= salt[index % 4];
            right ^= salt[(index + 1) % 4];
            Encrypt(state, ref left, ref right);
            state[index] = left;
            state[index + 1] = right;
        }
    }

    private static void Encrypt(ReadOnlySpan<uint> state, ref uint left, ref uint right)
    {
        for (var round = 0; round < Rounds; round += 2)
        {
            left ^= state[round];
            right ^= Mix(state, left);
            right ^= state[round + 1];
            left ^= Mix(state, right);
        }

        (left, right) = (right ^ state[Rounds + 1], left ^ state[Rounds]);
    }

    private static uint Mix(ReadOnlySpan<uint> state, uint half)
    {
        var boxes = state[SubkeyCount..];
        return ((boxes[(int)(half >> 24)] + boxes[BoxSize + (int)((half >> 16) & 255)]) ^ boxes[(2 * BoxSize) + (int)((half >> 8) & 255)])
            + boxes[(3 * BoxSize) + (int)(half & 255)];
    }

    private static byte[] Digest(uint[] state)
    {
        var words = Words("OrpheanBeholderScryDoubt"u8, 6);
        for (var repeat = 0; repeat < 64; repeat++)
        {
            for (var index = 0; index < words.Length; index += 2)
                Encrypt(state, ref words[index], ref words[index + 1]);
        }

        var digest = new byte[words.Length * 4];
        for (var index = 0; index < words.Length; index++)
            BinaryPrimitives.WriteUInt32BigEndian(digest.AsSpan(index * 4), words[index]);
        return digest[..HashLength];
    }

    /// <summary>Base64 with an alphabet and an order of bits of its own, and without padding.</summary>
    private static string Encode(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder();
        var (buffer, bits) = (0, 0);
        foreach (var value in bytes)
        {
            (buffer, bits) = (((buffer << 8) | value) & 0xFFFF, bits + 8);
            for (; bits >= 6; bits -= 6)
                text.Append(Alphabet[(buffer >> (bits - 6)) & 63]);
        }

        return bits == 0 ? text.ToString() : text.Append(Alphabet[(buffer << (6 - bits)) & 63]).ToString();
    }

    /// <summary>
    /// The first words of the fraction of pi, which Blowfish starts with: computed by Machin's formula, 16 atan(1/5) - 4 atan(1/239),
    /// instead of a table of a thousand numbers that nobody can proofread.
    /// </summary>
    private static uint[] PiFraction(int count)
    {
        const int GuardBits = 64;
        var bits = (count * 32) + GuardBits;
        var pi = (16 * InverseArcTangent(5, bits)) - (4 * InverseArcTangent(239, bits));
        var fraction = (pi & ((BigInteger.One << bits) - 1)) >> GuardBits;
        var bytes = fraction.ToByteArray(isUnsigned: true, isBigEndian: true);
        var padded = new byte[count * 4];
        bytes.CopyTo(padded, padded.Length - bytes.Length);
        return Words(padded, count);
    }

    /// <summary>atan(1/x) with that many bits behind the point.</summary>
    private static BigInteger InverseArcTangent(int x, int bits)
    {
        var power = (BigInteger.One << bits) / x;
        var sum = power;
        for (var divisor = 3; !power.IsZero; divisor += 2)
        {
            power /= -x * x;
            sum += power / divisor;
        }

        return sum;
    }
}

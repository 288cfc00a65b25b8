using System.Collections;
using System.Text;
using CapiRegistryHook.Cli.Options;
using CapiRegistryHook.Registry;
using CapiRegistryHook.Registry.Objects;
using CapiRegistryHook.Registry.Plan;

namespace CapiRegistryHook.Unit.Tests.Fuzz;

/// <summary>What an admin hands in by file: values for the registry chart, options of the service, and manifests for <c>plan</c>.</summary>
public class SettingFileFuzzTests(ITestOutputHelper output) : FuzzTests(output), IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fuzz-").FullName;

    public void Dispose()
    {
        Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    [Fact]
    public void ChartValues_AnyBytes_AreTakenOrRefused()
    {
        var defaults = new RegistryDefaults();
        var seed = Encoding.UTF8.GetBytes(
            "replicas: 3\nstorage:\n  type: pvc\n  size: 200Gi\nsync: {interval: 5m}\nresources:\n  limits: {memory: "
                + "1Gi}\npodLabels: {a: b}\n");
        Run(new Fuzzer("values", [seed], Words.Yaml), 6_000,
            yaml => IsTaken<RegistryDefaultsException>(() => defaults.Replace(Text(yaml))));
    }

    [Fact]
    public void Options_AnyBytes_AreTakenOrEachProblemIsNamed()
    {
        var file = Path.Combine(_folder, "options.yaml");
        var seed = Encoding.UTF8.GetBytes(
            "rootSecretName: root\nworkLimit: 5s\nlisten: '[::]:9443'\ntlsSource: SelfManaged\ntlsNames: a,b\nlogLevel: Debug\n");
        Run(new Fuzzer("options", [seed], Words.Yaml), 10_000, yaml => AreOptions(file, yaml));
    }

    [Fact]
    public void Manifest_AnyBytes_IsAClusterOrOneSentence()
    {
        var seed = Encoding.UTF8.GetBytes(
            "apiVersion: cluster.x-k8s.io/v1beta2\nkind: Cluster\nmetadata: {name: c}\nspec:\n  clusterNetwork: {services: "
                + "{cidrBlocks: [10.128.0.0/12]}}\n  topology:\n    version: v1.33.0\n    variables:\n    - name: clusterConfig\n    "
                + "  value: {addons: {registry: {}}}\n");
        Run(new Fuzzer("values", [seed], Words.Yaml), 15_000,
            yaml => IsTaken<ClusterFormatException>(() => ClusterManifest.Read(Text(yaml))));
    }

    private static bool AreOptions(string file, byte[] yaml)
    {
        File.WriteAllBytes(file, yaml);
        var problems = new List<string>();
        var set = OptionSources.Merge(new Dictionary<string, string> { ["config"] = file }, new Hashtable(), OptionList.All, problems);
        ServiceOptions.Read(new OptionReader(set, problems));
        return problems.Count == 0;
    }

    private static bool IsTaken<TException>(Action read)
        where TException : Exception
    {
        try
        {
            read();
            return true;
        }
        catch (TException)
        {
            return false;
        }
    }

    private static string Text(byte[] bytes) => Encoding.UTF8.GetString(bytes);
}

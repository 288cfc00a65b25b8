using System.Text.Json.Nodes;

namespace CapiRegistryHook.Unit.Tests.Hooks.Topology;

/// <summary>
/// Requests as nobody would write them: fields missing, null, of the wrong type or in any order. The same seed gives the same request.
/// </summary>
internal sealed class RandomTopology(int seed)
{
    private static readonly string[] Kinds =
    [
        "KubeadmControlPlaneTemplate controlplane.cluster.x-k8s.io/v1beta1",
        "KubeadmControlPlaneTemplate controlplane.cluster.x-k8s.io/v1beta2",
        "KubeadmConfigTemplate bootstrap.cluster.x-k8s.io/v1beta1", "KubeadmConfigTemplate bootstrap.cluster.x-k8s.io/v1beta2",
        "KubeadmConfigTemplate bootstrap.cluster.x-k8s.io/v1alpha4", "KubeadmConfigTemplate other.example/v1beta2",
        "DockerMachineTemplate infrastructure.cluster.x-k8s.io/v1beta2", "RKE2ConfigTemplate bootstrap.cluster.x-k8s.io/v1beta1",
    ];

    private static readonly string[] Settings =
    [
        "{}", "{}", "{}", "{}", "{}", "null", """{ "provider": "CNCF Distribution" }""", """{ "mirror": { "strict": true } }""",
        """{ "mirror": { "mode": "off" } }""", """{ "mirror": { "mode": "perUpstream", "upstreams": ["docker.io", "a.example:5000"] } }""",
        """{ "mirror": { "containerdConfig": "none" } }""", """{ "mirror": { "containerdConfig": "dropIn", "dialTimeout": "3s" } }""",
        """{ "replicas": "many" }""", """{ "mirror": [] }""", """{ "nonsense": { "deep": [[[1]]] } }""", "[]", "5", "\"\\u0041\"",
    ];

    private static readonly string[] Networks =
    [
        """{ "services": ["10.128.0.0/12"], "serviceDomain": "cluster.local" }""", """{ "services": ["10.128.0.0/12"] }""",
        """{ "services": ["fd00::/108"] }""", """{ "services": ["10.0.0.0/16", "fd00::/108"] }""",
        """{ "services": null }""", "{}", "null", """{ "services": [] }""", """{ "services": ["x"] }""", """{ "services": [1, {}] }""",
        """{ "serviceDomain": 5 }""",
    ];

    private static readonly string[] Oddities = ["null", "5", "\"text\"", "[]", "{}", "true", "[null]", "[{}]"];

    private readonly Random _random = new(seed);

    public JsonObject Request()
    {
        var items = new JsonArray();
        for (var index = _random.Next(8); index >= 0; index--)
            items.Add((JsonNode)Shuffled(Item(index)));
        return Shuffled(new JsonObject
        {
            ["apiVersion"] = "hooks.runtime.cluster.x-k8s.io/v1alpha1",
            ["kind"] = "GeneratePatchesRequest",
            ["settings"] = new JsonObject(),
            ["variables"] = Variables(),
            ["items"] = items,
        });
    }

    private JsonArray Variables()
    {
        var variables = new JsonArray(new JsonObject
        {
            ["name"] = "builtin",
            ["value"] = new JsonObject
            {
                ["cluster"] = Shuffled(new JsonObject { ["name"] = "c", ["namespace"] = "n", ["uid"] = "u", ["network"] = Pick(Networks),
                ["metadata"] = Pick(Oddities) }),
            },
        });
        if (Chance(4, 5))
            variables.Insert(_random.Next(2), OurVariable());
        return variables;
    }

    private JsonObject OurVariable() => new()
    {
        ["name"] = "clusterConfig",
        ["value"] = Chance(1, 20) ? Pick(Oddities)
            : new JsonObject { ["addons"] = Chance(1, 20) ? Pick(Oddities) : new JsonObject { ["registry"] = Pick(Settings) } },
    };

    private JsonObject Item(int index)
    {
        var kind = Kinds[_random.Next(Kinds.Length)].Split(' ');
        var item = new JsonObject
        {
            ["uid"] = $"uid-{index}",
            ["holderReference"] = Pick(Oddities),
            ["object"] = Shuffled(new JsonObject
            {
                ["apiVersion"] = kind[1],
                ["kind"] = kind[0],
                ["metadata"] = Chance(1, 8) ? Pick(Oddities) : new JsonObject { ["name"] = "t", ["labels"] = Pick(Oddities) },
                ["spec"] = Level(
                    kind[0] == "KubeadmControlPlaneTemplate" ? ["template", "spec", "kubeadmConfigSpec"] : ["template", "spec"]),
            }),
        };
        if (Chance(1, 4))
            item["variables"] = new JsonArray(OurVariable());
        return item;
    }

    private JsonNode? Level(string[] steps)
    {
        if (Chance(1, 40))
            return Pick(Oddities);
        if (steps.Length == 0)
            return Shuffled(Holder());
        var level = new JsonObject { ["other"] = Pick(Oddities) };
        if (!Chance(1, 40))
            level[steps[0]] = Level(steps[1..]);
        return Shuffled(level);
    }

    private JsonObject Holder()
    {
        var holder = new JsonObject { ["users"] = Pick(Oddities), ["postKubeadmCommands"] = new JsonArray("files") };
        if (Chance(1, 2))
            holder["files"] = Chance(1, 40) ? Pick(Oddities) : Files();
        if (Chance(1, 2))
            holder["preKubeadmCommands"] = Chance(1, 40) ? Pick(Oddities) : new JsonArray("echo files", Pick(Oddities));
        return holder;
    }

    private JsonArray Files()
    {
        var files = new JsonArray();
        for (var left = _random.Next(4); left > 0; left--)
        {
            var path = _random.Next(40) switch
            {
                0 => "/etc/containerd/certs.d/_default/hosts.toml",
                1 => "/etc/containerd/registry-addon/ca.crt",
                var other => $"/etc/{other}-ü\n\"{seed}",
            };
            files.Add(Chance(1, 8) ? Pick(Oddities)
                : Shuffled(new JsonObject { ["path"] = path, ["content"] = "a\\b\n\t\u2028", ["contentFrom"] = Pick(Oddities) }));
        }

        return files;
    }

    private bool Chance(int of, int all) => _random.Next(all) < of;

    private JsonNode? Pick(string[] texts) => JsonNode.Parse(texts[_random.Next(texts.Length)]);

    private JsonObject Shuffled(JsonObject map)
    {
        var fields = map.Select(field => KeyValuePair.Create(field.Key, field.Value?.DeepClone())).ToArray();
        if (Chance(1, 3))
            _random.Shuffle(fields);
        return new JsonObject(fields);
    }
}

using System.Text;
using CapiRegistryHook.Harness.Cluster;

namespace CapiRegistryHook.EndToEnd.Tests.Cluster;

/// <summary>What the tests of the cluster itself run on it.</summary>
internal static class Manifests
{
    /// <summary>Two replicas with a volume each that answer with their names, as a user that is nobody special.</summary>
    public static string Web(string @namespace, string image, string address) => $$"""
        apiVersion: v1
        kind: Service
        metadata: {name: web, namespace: {{@namespace}} }
        spec: {clusterIP: {{address}}, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: web-headless, namespace: {{@namespace}} }
        spec: {clusterIP: None, selector: {app: web}, ports: [{port: 8080}]}
        ---
        apiVersion: apps/v1
        kind: StatefulSet
        metadata: {name: web, namespace: {{@namespace}} }
        spec:
          serviceName: web-headless
          replicas: 2
          podManagementPolicy: Parallel
          selector: {matchLabels: {app: web} }
          template:
            metadata: {labels: {app: web} }
            spec:
              securityContext: {runAsUser: 65532, runAsNonRoot: true, fsGroup: 65532}
              containers:
              - name: web
                image: {{image}}
                command: [sh, -c, "hostname >/data/index.html && exec httpd -f -p 8080 -h /data"]
                securityContext: {readOnlyRootFilesystem: true, capabilities: {drop: [ALL]} }
                readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1}
                volumeMounts: [{name: data, mountPath: /data}]
          volumeClaimTemplates:
          - metadata: {name: data}
            spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi} } }
        """;

    /// <summary>One registry behind TLS on a fixed address, its images in the pod.</summary>
    public static string Registry(string @namespace, string image, string address, ServerIdentity identity) => $$"""
        apiVersion: v1
        kind: Service
        metadata: {name: registry, namespace: {{@namespace}} }
        spec: {clusterIP: {{address}}, selector: {app: registry}, ports: [{port: 443, targetPort: 5000}]}
        ---
        apiVersion: v1
        kind: Secret
        metadata: {name: registry-tls, namespace: {{@namespace}} }
        type: kubernetes.io/tls
        data: {tls.crt: {{Encode(identity.CertificatePem)}}, tls.key: {{Encode(identity.KeyPem)}} }
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: registry, namespace: {{@namespace}} }
        data:
          config.yml: |
            version: 0.1
            storage: {filesystem: {rootdirectory: /data} }
            http:
              addr: :5000
              tls: {certificate: /tls/tls.crt, key: /tls/tls.key}
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: registry, namespace: {{@namespace}} }
        spec:
          selector: {matchLabels: {app: registry} }
          template:
            metadata: {labels: {app: registry} }
            spec:
              securityContext: {runAsUser: 65532, runAsNonRoot: true, fsGroup: 65532}
              containers:
              - name: registry
                image: {{image}}
                securityContext: {readOnlyRootFilesystem: true, capabilities: {drop: [ALL]} }
                args: [serve, /etc/distribution/config.yml]
                env: [{name: OTEL_TRACES_EXPORTER, value: none}]
                readinessProbe: {httpGet: {path: /v2/, port: 5000, scheme: HTTPS}, periodSeconds: 1}
                volumeMounts:
                - {name: data, mountPath: /data}
                - {name: tls, mountPath: /tls}
                - {name: config, mountPath: /etc/distribution}
              volumes:
              - {name: data, emptyDir: {} }
              - {name: tls, secret: {secretName: registry-tls} }
              - {name: config, configMap: {name: registry} }
        """;

    /// <summary>A pod that runs one shell line, after its image was pulled.</summary>
    public static string Pod(string @namespace, string name, string image, string command) => $$"""
        apiVersion: v1
        kind: Pod
        metadata: {name: {{name}}, namespace: {{@namespace}} }
        spec:
          restartPolicy: Never
          containers:
          - {name: main, image: "{{image}}", imagePullPolicy: Always, command: [sh, -c, "{{command}}"]}
        """;

    private static string Encode(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}

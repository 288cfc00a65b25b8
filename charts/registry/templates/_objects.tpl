{{/* Name, namespace and labels of an object: list CONTEXT NAME. */}}
{{- define "registry.metadata" -}}
{{- $root := index . 0 -}}
name: {{ index . 1 | quote }}
namespace: {{ $root.Release.Namespace | quote }}
labels:
  {{- include "registry.labels" $root | nindent 2 }}
{{- end -}}

{{- define "registry.configMap" -}}
apiVersion: v1
kind: ConfigMap
metadata:
  {{- include "registry.metadata" (list . (include "registry.fullname" .)) | nindent 2 }}
data:
  config.yml: |
    {{- include "registry.configuration" . | nindent 4 }}
{{- end -}}

{{/* A name for each replica, also before it is ready: it fills itself from the others first. */}}
{{- define "registry.headlessService" -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "registry.metadata" (list . (include "registry.headlessName" .)) | nindent 2 }}
spec:
  type: ClusterIP
  clusterIP: None
  {{- include "registry.serviceFamilies" .Values.service | nindent 2 }}
  publishNotReadyAddresses: true
  ports:
    - {name: https, port: 5000, targetPort: 5000, protocol: TCP}
  selector:
    {{- include "registry.selector" . | nindent 4 }}
{{- end -}}

{{/*
"true" when there is a budget. Before 1.27, Kubernetes has no unhealthyPodEvictionPolicy: a budget of any size then also keeps replicas
from being evicted that are all broken, and with them their nodes from being drained and the cluster from being upgraded.
*/}}
{{- define "registry.budgeted" -}}
{{- if and .Values.podDisruptionBudget.enabled (gt (int .Values.replicas) 1) (semverCompare ">=1.27.0-0" .Capabilities.KubeVersion.Version) -}}true{{- end -}}
{{- end -}}

{{- define "registry.budget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "registry.metadata" (list . (include "registry.fullname" .)) | nindent 2 }}
spec:
  maxUnavailable: {{ .Values.podDisruptionBudget.maxUnavailable }}
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "registry.selector" . | nindent 6 }}
{{- end -}}

{{/* The version of an object of the Gateway API: list CONTEXT KIND WANTED FALLBACK. Wanted, or the newest that the cluster serves, or the fallback. */}}
{{- define "registry.gatewayVersion" -}}
{{- $root := index . 0 -}}
{{- $kind := index . 1 -}}
{{- $version := index . 2 -}}
{{- range $served := list "v1" "v1beta1" "v1alpha3" "v1alpha2" -}}
{{- if and (not $version) ($root.Capabilities.APIVersions.Has (printf "gateway.networking.k8s.io/%s/%s" $served $kind)) -}}{{- $version = $served -}}{{- end -}}
{{- end -}}
gateway.networking.k8s.io/{{ default (index . 3) $version }}
{{- end -}}

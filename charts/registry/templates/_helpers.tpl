{{/* Names. 44 characters leave room for the longest suffix and for what Kubernetes appends to a StatefulSet's name in labels. */}}
{{- define "registry.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 44 | trimSuffix "-" -}}
{{- end -}}

{{- define "registry.fullname" -}}
{{- $name := include "registry.name" . -}}
{{- if .Cache -}}
{{- include "registry.cacheName" (list .Root .Cache) -}}
{{- else if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 44 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 44 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 44 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "registry.primaryName" -}}
{{- include "registry.fullname" . }}-primary
{{- end -}}

{{- define "registry.syncName" -}}
{{- include "registry.fullname" . }}-sync
{{- end -}}

{{- define "registry.sourcesName" -}}
{{- include "registry.fullname" . }}-sources
{{- end -}}

{{- define "registry.headlessName" -}}
{{- include "registry.fullname" . }}-headless
{{- end -}}

{{- define "registry.collectionName" -}}
{{- include "registry.fullname" . }}-gc
{{- end -}}

{{- define "registry.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "registry.fullname" (default . .Root)) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* The DNS name of a Service: list CONTEXT NAME. */}}
{{- define "registry.serviceHost" -}}
{{- $root := index . 0 -}}
{{- printf "%s.%s.svc.%s" (index . 1) $root.Release.Namespace $root.Values.clusterDomain -}}
{{- end -}}

{{/* The DNS name and port of a replica: list CONTEXT ORDINAL. */}}
{{- define "registry.replicaHost" -}}
{{- $root := index . 0 -}}
{{- printf "%s-%d.%s:5000" (include "registry.fullname" $root) (int (index . 1)) (include "registry.serviceHost" (list $root (include "registry.headlessName" $root))) -}}
{{- end -}}

{{/* Labels. A selector can't be changed later, so it has nothing that changes: no version, no labels of the user. */}}
{{- define "registry.instanceSelector" -}}
app.kubernetes.io/name: {{ include "registry.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "registry.collectionSelector" -}}
{{ include "registry.instanceSelector" . }}
app.kubernetes.io/component: garbage-collection
{{- end -}}

{{- define "registry.selector" -}}
{{ include "registry.instanceSelector" . }}
{{- if .Cache }}
app.kubernetes.io/component: cache
capi-registry-hook.io/cache: {{ include "registry.cacheKey" .Cache | quote }}
{{- else }}
app.kubernetes.io/component: registry
{{- end }}
{{- end -}}

{{- define "registry.labels" -}}
{{ include "registry.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name (.Chart.Version | replace "+" "_") }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* A full image reference: list CONTEXT IMAGE. */}}
{{- define "registry.imageReference" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- $registry := default $image.registry $root.Values.global.imageRegistry -}}
{{- $name := ternary $image.repository (printf "%s/%s" $registry $image.repository) (empty $registry) -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $name $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name $image.tag -}}
{{- end -}}
{{- end -}}

{{/* "true" when every replica keeps a copy of its own; the other storages are shared by all replicas. */}}
{{- define "registry.privateStorage" -}}
{{- if has .Values.storage.type (list "pvc" "hostPath" "emptyDir") -}}true{{- end -}}
{{- end -}}

{{/* "true" when layers are in a bucket or container and not in files. */}}
{{- define "registry.objectStorage" -}}
{{- if has .Values.storage.type (list "s3" "gcs" "azure") -}}true{{- end -}}
{{- end -}}

{{/* The major version of CNCF Distribution in the image; empty when neither image.version nor the tag tells. A digest wins over the tag, so then the tag tells nothing. */}}
{{- define "registry.majorVersion" -}}
{{- $said := .Values.image.version -}}
{{- if and (not $said) (not .Values.image.digest) -}}{{- $said = .Values.image.tag -}}{{- end -}}
{{- regexFind "^[0-9]+" (trimPrefix "v" (regexFind "^v?[0-9]+([.-]|$)" $said)) -}}
{{- end -}}

{{/* "true" when replicas have to copy from each other. Caches fill themselves. */}}
{{- define "registry.replicated" -}}
{{- if and (include "registry.privateStorage" .) (gt (int .Values.replicas) 1) (not .Values.pullThrough.enabled) -}}true{{- end -}}
{{- end -}}

{{/* "true" when the primary fetches from other registries. */}}
{{- define "registry.fetching" -}}
{{- if and (or .Values.sync.sources .Values.sync.pull) (not .Values.pullThrough.enabled) -}}true{{- end -}}
{{- end -}}

{{/* "true" when the pods have a regsync sidecar. */}}
{{- define "registry.synced" -}}
{{- if or (include "registry.replicated" .) (include "registry.fetching" .) -}}true{{- end -}}
{{- end -}}

{{/*
How to collect garbage while nobody can write: "restart" collects in the pod before it serves, which is safe when nobody else has the
volume; "window" makes all replicas read-only meanwhile, for what several of them share, and for buckets, where no note of the last run is kept.
*/}}
{{- define "registry.collection" -}}
{{- if .Values.garbageCollection.enabled -}}
{{- if and (not (include "registry.privateStorage" .)) (or (gt (int .Values.replicas) 1) (include "registry.objectStorage" .)) -}}window{{- else -}}restart{{- end -}}
{{- end -}}
{{- end -}}

{{/* Session affinity of a Service over several replicas. */}}
{{- define "registry.sessionAffinity" -}}
sessionAffinity: ClientIP
sessionAffinityConfig:
  clientIP:
    timeoutSeconds: {{ int .Values.service.sessionAffinitySeconds }}
{{- end -}}

{{/* Type, addresses and families of a Service. */}}
{{- define "registry.serviceAddresses" -}}
type: {{ .type }}
{{- with .clusterIPs }}
clusterIP: {{ first . | quote }}
clusterIPs:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .loadBalancerIP }}
loadBalancerIP: {{ . | quote }}
{{- end }}
{{- with .loadBalancerSourceRanges }}
loadBalancerSourceRanges:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .externalTrafficPolicy }}
externalTrafficPolicy: {{ . }}
{{- end }}
{{- include "registry.serviceFamilies" . }}
{{- end -}}

{{- define "registry.serviceFamilies" -}}
{{- with .ipFamilyPolicy }}
ipFamilyPolicy: {{ . }}
{{- end }}
{{- with .ipFamilies }}
ipFamilies:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The pull Service's or the primary's port. */}}
{{- define "registry.servicePort" -}}
- name: https
  port: {{ int .port }}
  targetPort: https
  protocol: TCP
  {{- with .nodePort }}
  nodePort: {{ int . }}
  {{- end }}
{{- end -}}

{{/* host:port as a client writes it, without the port that is HTTPS's own. */}}
{{- define "registry.hostAndPort" -}}
{{- $host := index . 0 -}}
{{- $port := int (index . 1) -}}
{{- $host = ternary (printf "[%s]" $host) $host (contains ":" $host) -}}
{{- ternary $host (printf "%s:%d" $host $port) (eq $port 443) -}}
{{- end -}}

{{/* The syncer: a Deployment of its own from the same image, with a ServiceAccount of its own. */}}
{{- define "capi-registry-hook.syncName" -}}
{{- include "capi-registry-hook.fullname" . }}-sync
{{- end -}}

{{/* Not the selector of the service, or its Service would lead here. */}}
{{- define "capi-registry-hook.syncSelector" -}}
app.kubernetes.io/name: {{ include "capi-registry-hook.name" . }}-sync
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "capi-registry-hook.syncLabels" -}}
{{ merge (include "capi-registry-hook.syncSelector" . | fromYaml) (include "capi-registry-hook.labels" . | fromYaml) | toYaml }}
{{- end -}}

{{/* The options of the syncer. Those that matter to the service too are given to both. */}}
{{- define "capi-registry-hook.syncArguments" -}}
- sync
- --metrics-listen={{ .Values.listen.address }}:{{ int .Values.listen.metricsPort }}
- --hook-namespace={{ include "capi-registry-hook.hookNamespace" . }}
- --variable-name={{ .Values.variable.name }}
- --variable-path={{ .Values.variable.path }}
- --watch-namespaces={{ default list .Values.rbac.namespaces | uniq | sortAlpha | join "," }}
- --content-shared-namespaces={{ default list .Values.sync.sharedNamespaces | uniq | sortAlpha | join "," }}
- --sync-workers={{ int .Values.sync.workers }}
- --sync-streams={{ int .Values.sync.streams }}
- --sync-interval={{ .Values.sync.interval }}
- --sync-verify-interval={{ .Values.sync.verifyInterval }}
- --sync-cluster-bandwidth={{ int .Values.sync.clusterBandwidth }}
- --sync-bandwidth={{ int .Values.sync.bandwidth }}
- --sync-source-allow-cidrs={{ default list .Values.sync.sourceAllowCidrs | uniq | sortAlpha | join "," }}
{{- if .Values.sync.bundles }}
- --sync-bundles=/var/lib/capi-registry-hook/bundles
{{- end }}
{{- range $key := list "workloadAllowCidrs" "leaseDuration" "logLevel" "logFormat" }}
{{- with index (default dict $.Values.options) $key }}
- {{ printf "--%s=%s" (kebabcase $key) (join "," .) | quote }}
{{- end }}
{{- end }}
{{- with .Values.management.kubeconfig }}
{{- if .secretName }}
- --kubeconfig=/etc/capi-registry-hook/management/{{ .key }}
{{- with .context }}
- --context={{ . }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* What the syncer does in a namespace with Clusters. It writes nothing there but the status of contents; tests hold these rules against its calls. */}}
{{- define "capi-registry-hook.syncRules" -}}
- apiGroups: [capi-registry-hook.io]
  resources: [registrycontents]
  verbs: [list, watch]
- apiGroups: [capi-registry-hook.io]
  resources: [registrycontents/status]
  verbs: [patch]
- apiGroups: [cluster.x-k8s.io]
  resources: [clusters]
  verbs: [get, list, watch]
# Kubeconfigs, trust bundles and logins of clusters, logins and authorities of sources; by name, never listed.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get]
# Locks.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get]
{{- end -}}

{{/* What it does in its own namespace: agree with the other replicas on who syncs. */}}
{{- define "capi-registry-hook.syncLeaseRules" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [capi-registry-hook-sync]
  verbs: [get, patch]
# A name can't be given here: creation is checked before there is one.
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
{{- end -}}

{{- define "capi-registry-hook.syncProbe" -}}
httpGet: {path: {{ index . 0 }}, port: metrics}
{{ toYaml (index . 1) }}
{{- end -}}

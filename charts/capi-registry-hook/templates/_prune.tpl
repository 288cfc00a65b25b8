{{/* The pruning of registries: a CronJob from the same image, with a ServiceAccount of its own. */}}
{{- define "capi-registry-hook.pruneName" -}}
{{- include "capi-registry-hook.fullname" . | trunc 46 | trimSuffix "-" }}-prune
{{- end -}}

{{/* Not the selector of the service, or its Service would lead here. */}}
{{- define "capi-registry-hook.pruneLabels" -}}
{{ merge (dict "app.kubernetes.io/name" (printf "%s-prune" (include "capi-registry-hook.name" .))) (include "capi-registry-hook.labels" . | fromYaml) | toYaml }}
{{- end -}}

{{- define "capi-registry-hook.pruneArguments" -}}
- prune
- --yes
{{- if .Values.prune.selector }}
- {{ printf "--selector=%s" .Values.prune.selector | quote }}
{{- else }}
- --all
{{- end }}
- --keep-last={{ int .Values.prune.keepLast }}
- --keep-younger={{ .Values.prune.keepYounger }}
{{- range .Values.prune.keep }}
- {{ printf "--keep=%s" . | quote }}
{{- end }}
- --collect={{ .Values.prune.collect }}
- --collect-timeout={{ .Values.prune.collectTimeout }}
- --variable-name={{ .Values.variable.name }}
- --variable-path={{ .Values.variable.path }}
- --watch-namespaces={{ default list .Values.rbac.namespaces | uniq | sortAlpha | join "," }}
{{- range $key := list "workloadAllowCidrs" }}
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

{{/* What it does in a namespace with Clusters; on the management cluster it writes nothing. */}}
{{- define "capi-registry-hook.pruneRules" -}}
- apiGroups: [cluster.x-k8s.io]
  resources: [clusters]
  verbs: [get, list]
# Kubeconfigs, trust bundles and logins of clusters; by name, never listed.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get]
{{- end -}}

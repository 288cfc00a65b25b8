{{/* What the service does in a namespace with Clusters. Secrets are read by name and never listed; tests hold these rules against its calls. */}}
{{- define "capi-registry-hook.clusterRules" -}}
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, create, patch]
{{- if .Values.reconciler.enabled }}
# Clusters are watched by their metadata and read one by one; HelmChartProxies go when a Cluster no longer asks for a registry.
- apiGroups: [cluster.x-k8s.io]
  resources: [clusters]
  verbs: [get, list, watch, patch]
- apiGroups: [addons.cluster.x-k8s.io]
  resources: [helmchartproxies]
  verbs: [get, list, watch, create, patch, delete]
# They say why a release fails.
- apiGroups: [addons.cluster.x-k8s.io]
  resources: [helmreleaseproxies]
  verbs: [list]
{{- if ne .Values.reconciler.clusterCondition "Off" }}
- apiGroups: [cluster.x-k8s.io]
  resources: [clusters/status]
  verbs: [patch]
{{- end }}
{{- else }}
# Both are listed while there is no root CA, to find out whether one was lost.
- apiGroups: [cluster.x-k8s.io]
  resources: [clusters]
  verbs: [get, list, patch]
- apiGroups: [addons.cluster.x-k8s.io]
  resources: [helmchartproxies]
  verbs: [get, list, create, patch]
{{- end }}
# Their age says which nodes know a new root CA, and their addresses are in certificates that ask for them.
- apiGroups: [cluster.x-k8s.io]
  resources: [machines, machinepools]
  verbs: [list]
{{- if .Values.contentGate.enabled }}
{{ include "capi-registry-hook.contentRules" . }}
{{- end }}
{{- if .Values.autoEnable.enabled }}
# They say whether a new Cluster can request a registry.
- apiGroups: [cluster.x-k8s.io]
  resources: [clusterclasses]
  verbs: [get]
{{- end }}
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
{{- end -}}

{{/* What it does in its own namespace whatever the Clusters are: agree with the other replicas on who reconciles, and end a rotation. */}}
{{- define "capi-registry-hook.leaseRules" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [capi-registry-hook-leader]
  verbs: [get, patch]
# A name can't be given here: creation is checked before there is one.
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
{{- if eq .Values.root.source "Managed" }}
# The next root CA goes when it has become the current one.
- apiGroups: [""]
  resources: [secrets]
  resourceNames: [{{ .Values.root.secretName }}-next]
  verbs: [delete]
{{- end }}
{{- end -}}

{{/* What it does in its own namespace when its rights are given by namespace: read the root CA, and create it when it is to. */}}
{{- define "capi-registry-hook.rootRules" -}}
- apiGroups: [""]
  resources: [secrets]
  resourceNames: [{{ .Values.root.secretName }}{{ if eq .Values.root.source "Managed" }}, {{ .Values.root.secretName }}-next{{ end }}]
  verbs: [get]
{{- if eq .Values.root.source "Managed" }}
{{- if .Values.reconciler.enabled }}
# A rotation announces the next root CA on the current one, and then puts it there.
- apiGroups: [""]
  resources: [secrets]
  resourceNames: [{{ .Values.root.secretName }}]
  verbs: [patch]
{{- end }}
# A name can't be given here: creation is checked before there is one.
- apiGroups: [""]
  resources: [secrets]
  verbs: [create]
{{- end }}
{{- end -}}

{{/* What it does there for its own serving certificate, when it makes that itself. */}}
{{- define "capi-registry-hook.servingRules" -}}
- apiGroups: [""]
  resources: [secrets]
  resourceNames: [{{ include "capi-registry-hook.authoritySecret" . }}, {{ include "capi-registry-hook.servingSecret" . }}]
  verbs: [get, patch]
- apiGroups: [""]
  resources: [secrets]
  verbs: [create]
{{- end -}}

{{/* Before a new authority of its own signs, it looks whether Cluster API has it. */}}
{{- define "capi-registry-hook.extensionRules" -}}
- apiGroups: [runtime.cluster.x-k8s.io]
  resources: [extensionconfigs]
  resourceNames: [{{ include "capi-registry-hook.extensionConfig" . }}]
  verbs: [get]
{{- end -}}

{{/* What an upgrade needs. */}}
{{- define "capi-registry-hook.contentRules" -}}
- apiGroups: [capi-registry-hook.io]
  resources: [registrycontents]
  verbs: [list]
{{- end -}}

{{/* What it does to keep the caBundle of its admission webhook; the Secret is read where rights are given by namespace. */}}
{{- define "capi-registry-hook.webhookRules" -}}
- apiGroups: [admissionregistration.k8s.io]
  resources: [mutatingwebhookconfigurations]
  resourceNames: [{{ include "capi-registry-hook.fullname" . }}]
  verbs: [get, patch]
{{- end -}}

{{- define "capi-registry-hook.webhookSecretRules" -}}
- apiGroups: [""]
  resources: [secrets]
  resourceNames: [{{ include "capi-registry-hook.servingSecret" . }}]
  verbs: [get]
{{- end -}}

{{/* A Role or ClusterRole with its binding: dict context, kind, namespace, name, rules, and account where it is not the service's. */}}
{{- define "capi-registry-hook.grant" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .kind }}
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "capi-registry-hook.labels" .context | nindent 4 }}
rules:
  {{- .rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .kind }}Binding
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "capi-registry-hook.labels" .context | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ .kind }}
  name: {{ .name }}
subjects:
  - kind: ServiceAccount
    name: {{ default (include "capi-registry-hook.serviceAccountName" .context) .account }}
    namespace: {{ .context.Release.Namespace }}
{{- end -}}

{{/* Names. 44 characters leave room for the longest suffix and for what Kubernetes appends to a Deployment's name. */}}
{{- define "capi-registry-hook.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 44 | trimSuffix "-" -}}
{{- end -}}

{{- define "capi-registry-hook.fullname" -}}
{{- $name := include "capi-registry-hook.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 44 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 44 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 44 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "capi-registry-hook.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "capi-registry-hook.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* The Secret with the serving certificate or, when the service makes it itself, with ca.crt alone. */}}
{{- define "capi-registry-hook.servingSecret" -}}
{{- if eq .Values.certificate.mode "existingSecret" -}}
{{- .Values.certificate.existingSecret -}}
{{- else -}}
{{- include "capi-registry-hook.fullname" . }}-tls
{{- end -}}
{{- end -}}

{{/* A Secret of the pods lies beside them; those that the service makes itself lie on the management cluster. */}}
{{- define "capi-registry-hook.servingNamespace" -}}
{{- if eq .Values.certificate.mode "selfManaged" -}}
{{- include "capi-registry-hook.hookNamespace" . -}}
{{- else -}}
{{- .Release.Namespace -}}
{{- end -}}
{{- end -}}

{{/* The Secret with the authority of the serving certificate, cert-manager's or the service's own. */}}
{{- define "capi-registry-hook.authoritySecret" -}}
{{- include "capi-registry-hook.fullname" . }}-ca
{{- end -}}

{{- define "capi-registry-hook.extensionConfig" -}}
{{- default (include "capi-registry-hook.fullname" .) .Values.extensionConfig.name -}}
{{- end -}}

{{/* Where the service is for Cluster API, and for the add-on provider that fetches the chart: the name that the certificate has. */}}
{{- define "capi-registry-hook.host" -}}
{{- printf "%s.%s.svc" (include "capi-registry-hook.fullname" .) .Release.Namespace -}}
{{- end -}}

{{/* The namespace of the root CA Secret. */}}
{{- define "capi-registry-hook.hookNamespace" -}}
{{- default .Release.Namespace .Values.management.namespace -}}
{{- end -}}

{{/* Labels. A selector can't be changed later, so it has nothing that changes: no version, no labels of the user. */}}
{{- define "capi-registry-hook.selector" -}}
app.kubernetes.io/name: {{ include "capi-registry-hook.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "capi-registry-hook.labels" -}}
{{ include "capi-registry-hook.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name (.Chart.Version | replace "+" "_") }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "capi-registry-hook.image" -}}
{{- $image := .Values.image -}}
{{- $registry := default $image.registry .Values.global.imageRegistry -}}
{{- $name := ternary $image.repository (printf "%s/%s" $registry $image.repository) (empty $registry) -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $name $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (default .Chart.AppVersion $image.tag) -}}
{{- end -}}
{{- end -}}

{{/* The pod of helm test: not the selector's, or the Service would lead to it. */}}
{{- define "capi-registry-hook.testSelector" -}}
app.kubernetes.io/name: {{ include "capi-registry-hook.name" . }}-test
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* A probe of a path: list PATH SETTINGS. */}}
{{- define "capi-registry-hook.probe" -}}
httpGet: {path: {{ index . 0 }}, port: https, scheme: HTTPS}
{{ toYaml (index . 1) }}
{{- end -}}

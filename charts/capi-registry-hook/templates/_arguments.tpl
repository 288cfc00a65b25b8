{{/*
The options of the service; docs/options.md describes them. Those that other objects of this chart depend on are named here, all others
come from the value options.
*/}}
{{- define "capi-registry-hook.arguments" -}}
- serve
- --listen={{ .Values.listen.address }}:{{ int .Values.listen.port }}
- --metrics-listen={{ if .Values.metrics.enabled }}{{ .Values.listen.address }}:{{ int .Values.listen.metricsPort }}{{ end }}
{{- include "capi-registry-hook.certificateArguments" . }}
{{- with .Values.clientAuthentication }}
{{- if .caSecret }}
- --client-ca-file=/etc/capi-registry-hook/clients/{{ .caKey }}
{{- with .names }}
- --client-names={{ join "," . }}
{{- end }}
{{- end }}
{{- end }}
- --drain-delay={{ int .Values.drainSeconds }}s
- --hook-namespace={{ include "capi-registry-hook.hookNamespace" . }}
- --root-secret-name={{ .Values.root.secretName }}
- --root-source={{ .Values.root.source }}
- --variable-name={{ .Values.variable.name }}
- --variable-path={{ .Values.variable.path }}
{{- include "capi-registry-hook.autoEnableArguments" . }}
{{- include "capi-registry-hook.chartArguments" . }}
- --reconciler={{ ternary "On" "Off" .Values.reconciler.enabled }}
- --cluster-condition={{ .Values.reconciler.clusterCondition }}
- --watch-namespaces={{ default list .Values.rbac.namespaces | uniq | sortAlpha | join "," }}
- --content-shared-namespaces={{ default list .Values.sync.sharedNamespaces | uniq | sortAlpha | join "," }}
{{- if .Values.registry.values }}
- --registry-values-file=/etc/capi-registry-hook/registry/values.yaml
{{- end }}
{{- with .Values.management.kubeconfig }}
{{- if .secretName }}
- --kubeconfig=/etc/capi-registry-hook/management/{{ .key }}
{{- with .context }}
- --context={{ . }}
{{- end }}
{{- end }}
{{- end }}
{{- range $key, $value := .Values.options }}
- {{ printf "--%s=%s" (kebabcase $key) (join "," $value) | quote }}
{{- end }}
{{- with .Values.extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Where the serving certificate comes from. */}}
{{- define "capi-registry-hook.certificateArguments" -}}
{{- if eq .Values.certificate.mode "selfManaged" }}
- --tls-source=SelfManaged
- --tls-names={{ join "," (prepend (default list .Values.certificate.selfManaged.extraNames) (include "capi-registry-hook.host" .)) }}
- --tls-authority-secret-name={{ include "capi-registry-hook.authoritySecret" . }}
- --tls-public-secret-name={{ include "capi-registry-hook.servingSecret" . }}
{{- if .Values.extensionConfig.enabled }}
- --tls-extension-config={{ include "capi-registry-hook.extensionConfig" . }}
{{- end }}
{{- else }}
- --tls-certificate-file=/etc/capi-registry-hook/tls/tls.crt
- --tls-key-file=/etc/capi-registry-hook/tls/tls.key
{{- end }}
{{- end -}}

{{/* What the admission webhook writes, and its caBundle where nobody else keeps that up to date. */}}
{{- define "capi-registry-hook.autoEnableArguments" -}}
{{- $autoEnable := .Values.autoEnable }}
- --content-gate={{ ternary "On" "Off" .Values.contentGate.enabled }}
- --auto-enable={{ ternary "On" "Off" $autoEnable.enabled }}
{{- if $autoEnable.enabled }}
- {{ printf "--auto-enable-settings=%s" (toJson $autoEnable.settings) | quote }}
{{- if include "capi-registry-hook.keepsCaBundle" . }}
- --auto-enable-webhook={{ include "capi-registry-hook.fullname" . }}
- --auto-enable-ca-secret={{ include "capi-registry-hook.servingNamespace" . }}/{{ include "capi-registry-hook.servingSecret" . }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Not empty when the service keeps the caBundle of the admission webhook: cert-manager does it for its own certificates. */}}
{{- define "capi-registry-hook.keepsCaBundle" -}}
{{- if and .Values.autoEnable.enabled (ne .Values.certificate.mode "certManager") (not .Values.extensionConfig.caBundle) -}}
true
{{- end -}}
{{- end -}}

{{/* Where the registry chart comes from. The service's own repository is verified by the authority of its serving certificate. */}}
{{- define "capi-registry-hook.chartArguments" -}}
{{- $chart := .Values.registry.chart }}
{{- if $chart.repository }}
- --chart-repository={{ $chart.repository }}
- --chart-ca-secret={{ $chart.caSecret }}
{{- else }}
- --chart-repository=oci://{{ include "capi-registry-hook.host" . }}:{{ int .Values.service.port }}/charts
- --chart-ca-secret={{ include "capi-registry-hook.servingNamespace" . }}/{{ include "capi-registry-hook.servingSecret" . }}
{{- end }}
- --chart-name={{ $chart.name }}
{{- with $chart.version }}
- --chart-version={{ . }}
{{- end }}
{{- end -}}

{{/* What the registry container and a garbage collection have in common. */}}
{{- define "registry.environment" -}}
- name: OTEL_TRACES_EXPORTER
  value: none
{{- if eq .Values.storage.type "hostPath" }}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY
  value: /var/lib/registry/$(POD_NAME)
{{- end }}
{{- if and (eq .Values.storage.type "s3") .Values.storage.s3.credentials.secretName }}
{{- with .Values.storage.s3.credentials }}
- name: REGISTRY_STORAGE_S3_ACCESSKEY
  valueFrom: {secretKeyRef: {name: {{ .secretName }}, key: {{ .accessKeyKey }}}}
- name: REGISTRY_STORAGE_S3_SECRETKEY
  valueFrom: {secretKeyRef: {name: {{ .secretName }}, key: {{ .secretKeyKey }}}}
{{- end }}
{{- end }}
{{- if .Values.trustedCA.secretName }}
# Beside the image's own roots: Go reads its list of files too.
- name: SSL_CERT_DIR
  value: /etc/registry/trusted
{{- end }}
{{- end -}}

{{- define "registry.mounts" -}}
- name: configuration
  mountPath: /etc/distribution
  readOnly: true
{{- if ne .Values.storage.type "s3" }}
- name: data
  mountPath: /var/lib/registry
{{- end }}
{{- if .Values.trustedCA.secretName }}
- name: trusted
  mountPath: /etc/registry/trusted
  readOnly: true
{{- end }}
{{- end -}}

{{/* Everything but the volumes that a StatefulSet makes itself. */}}
{{- define "registry.volumes" -}}
- name: configuration
  configMap:
    name: {{ include "registry.fullname" . }}
    items: [{key: config.yml, path: config.yml}]
{{- with .Values.trustedCA }}
{{- if .secretName }}
- name: trusted
  secret:
    secretName: {{ .secretName }}
    items: [{key: {{ .key }}, path: ca.crt}]
{{- end }}
{{- end }}
{{- with .Values.storage }}
{{- if eq .type "existingClaim" }}
- name: data
  persistentVolumeClaim: {claimName: {{ .existingClaim.claimName }}}
{{- else if eq .type "hostPath" }}
- name: data
  hostPath: {path: {{ .hostPath.path | quote }}, type: Directory}
{{- else if eq .type "nfs" }}
- name: data
  nfs: {server: {{ .nfs.server | quote }}, path: {{ .nfs.path | quote }}}
{{- else if eq .type "emptyDir" }}
- name: data
  {{- $emptyDir := dict }}
  {{- with .emptyDir.sizeLimit }}{{ $_ := set $emptyDir "sizeLimit" . }}{{ end }}
  {{- with .emptyDir.medium }}{{ $_ := set $emptyDir "medium" . }}{{ end }}
  emptyDir: {{ toJson $emptyDir }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Who a pod is and where it runs. */}}
{{- define "registry.placement" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.hostAliases }}
hostAliases:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
# A Service called registry would set variables that CNCF Distribution takes for configuration.
enableServiceLinks: false
{{- end -}}

{{/* A check over HTTPS: the kubelet does not verify the certificate, and / needs no login. */}}
{{- define "registry.probe" -}}
httpGet: {path: /, port: https, scheme: HTTPS}
periodSeconds: {{ int .periodSeconds }}
timeoutSeconds: {{ int .timeoutSeconds }}
failureThreshold: {{ int .failureThreshold }}
{{- end -}}

{{/* A stopping pod waits until no proxy sends it anything new; only then it is told to end. */}}
{{- define "registry.drain" -}}
{{- $seconds := int .Values.drain.delaySeconds -}}
{{- if gt $seconds 0 }}
lifecycle:
  preStop:
    {{- if semverCompare ">=1.30.0-0" .Capabilities.KubeVersion.Version }}
    sleep: {seconds: {{ $seconds }}}
    {{- else }}
    exec: {command: [sleep, {{ $seconds | quote }}]}
    {{- end }}
{{- end }}
{{- end -}}

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
{{ include "registry.secretVariable" (list "REGISTRY_STORAGE_S3_ACCESSKEY" .secretName .accessKeyKey) }}
{{ include "registry.secretVariable" (list "REGISTRY_STORAGE_S3_SECRETKEY" .secretName .secretKeyKey) }}
{{- end }}
{{- end }}
{{- if and (eq .Values.storage.type "azure") .Values.storage.azure.credentials.secretName }}
{{- with .Values.storage.azure.credentials }}
{{ include "registry.secretVariable" (list "REGISTRY_STORAGE_AZURE_ACCOUNTKEY" .secretName .accountKeyKey) }}
{{- end }}
{{- end }}
{{- if .Values.trustedCA.secretName }}
# Beside the image's own roots: Go reads its list of files too.
- name: SSL_CERT_DIR
  value: /etc/registry/trusted
{{- end }}
{{- end -}}

{{/* A variable from a Secret: list NAME SECRET KEY. */}}
{{- define "registry.secretVariable" -}}
- name: {{ index . 0 }}
  valueFrom: {secretKeyRef: {name: {{ index . 1 | quote }}, key: {{ index . 2 | quote }}}}
{{- end -}}

{{/* Every variable that this chart gives the registry container. */}}
{{- define "registry.servingEnvironment" -}}
{{ include "registry.environment" . }}
{{- if eq (include "registry.collection" .) "window" }}
- name: READ_ONLY_UNTIL
  valueFrom: {fieldRef: {fieldPath: "metadata.annotations['capi-registry-hook.io/read-only-until']"}}
{{- end }}
{{- with .Values.httpSecret }}
{{- if .secretName }}
{{ include "registry.secretVariable" (list "REGISTRY_HTTP_SECRET" .secretName .key) }}
{{- end }}
{{- end }}
{{- if .Values.pullThrough.enabled }}
{{- with .Values.pullThrough.credentials }}
{{- if .secretName }}
{{ include "registry.secretVariable" (list "REGISTRY_PROXY_USERNAME" .secretName .usernameKey) }}
{{ include "registry.secretVariable" (list "REGISTRY_PROXY_PASSWORD" .secretName .passwordKey) }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "registry.mounts" -}}
- name: configuration
  mountPath: /etc/distribution
  readOnly: true
{{- if not (include "registry.objectStorage" .) }}
- name: data
  mountPath: /var/lib/registry
{{- end }}
{{- if and (eq .Values.storage.type "gcs") .Values.storage.gcs.credentials.secretName }}
- name: gcs
  mountPath: /etc/registry/gcs
  readOnly: true
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
    name: {{ include "registry.fullname" . | quote }}
    items: [{key: config.yml, path: config.yml}]
{{- with .Values.trustedCA }}
{{- if .secretName }}
- name: trusted
  secret:
    secretName: {{ .secretName | quote }}
    items: [{key: {{ .key | quote }}, path: ca.crt}]
{{- end }}
{{- end }}
{{- with .Values.storage }}
{{- if eq .type "existingClaim" }}
- name: data
  persistentVolumeClaim: {claimName: {{ .existingClaim.claimName | quote }}}
{{- else if eq .type "hostPath" }}
- name: data
  hostPath: {path: {{ .hostPath.path | quote }}, type: {{ ternary "DirectoryOrCreate" "Directory" .hostPath.prepare }}}
{{- else if eq .type "nfs" }}
- name: data
  nfs: {server: {{ .nfs.server | quote }}, path: {{ .nfs.path | quote }}}
{{- else if eq .type "emptyDir" }}
- name: data
  {{- $emptyDir := dict }}
  {{- with .emptyDir.sizeLimit }}{{ $_ := set $emptyDir "sizeLimit" . }}{{ end }}
  {{- with .emptyDir.medium }}{{ $_ := set $emptyDir "medium" . }}{{ end }}
  emptyDir: {{ toJson $emptyDir }}
{{- else if eq .type "gcs" }}
{{- with .gcs.credentials }}
{{- if .secretName }}
- name: gcs
  secret:
    secretName: {{ .secretName | quote }}
    defaultMode: 0440
    items: [{key: {{ .key | quote }}, path: key.json}]
{{- end }}
{{- end }}
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
priorityClassName: {{ . | quote }}
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

{{/* How replicas keep off each other's nodes. */}}
{{- define "registry.antiAffinity" -}}
{{- $term := dict "topologyKey" "kubernetes.io/hostname" "labelSelector" (dict "matchLabels" (include "registry.selector" . | fromYaml)) -}}
{{- if eq .Values.spread "Required" -}}
{{- dict "requiredDuringSchedulingIgnoredDuringExecution" (list $term) | toYaml -}}
{{- else -}}
{{- dict "preferredDuringSchedulingIgnoredDuringExecution" (list (dict "weight" 100 "podAffinityTerm" $term)) | toYaml -}}
{{- end -}}
{{- end -}}

{{/*
A check: list CONTEXT PROBE. Over HTTPS the kubelet does not verify the certificate, and / needs no login, but every check is in the
access log. The debugging port tells the same and logs nothing; it is open with the metrics only.
*/}}
{{- define "registry.probe.serving" -}}
httpGet: {path: /, port: {{ include "registry.portName" (index . 0) }}, scheme: HTTPS}
{{ include "registry.probeTimes" (index . 1) }}
{{- end -}}

{{- define "registry.probe.healthy" -}}
{{- if (index . 0).Values.metrics.enabled -}}
httpGet: {path: /debug/health, port: metrics}
{{ include "registry.probeTimes" (index . 1) }}
{{- else -}}
{{ include "registry.probe.serving" . }}
{{- end -}}
{{- end -}}

{{/* The name of the registry's port. A cache has one of its own, by which the pull Service finds it. */}}
{{- define "registry.portName" -}}
{{- if .Cache -}}cache-{{ int .Cache.port }}{{- else -}}https{{- end -}}
{{- end -}}

{{- define "registry.probeTimes" -}}
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

{{/* "true" when a container makes the folder on the node. */}}
{{- define "registry.prepares" -}}
{{- if and (eq .Values.storage.type "hostPath") .Values.storage.hostPath.prepare -}}true{{- end -}}
{{- end -}}

{{/* Makes a replica's folder and gives it to the user of the pod. Only root may do that: it has this one capability and sees this one folder. */}}
{{- define "registry.prepareFolder" -}}
- name: prepare
  image: {{ include "registry.imageReference" (list . .Values.image) | quote }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  command: [/bin/sh, -c, 'mkdir -p "/data/$POD_NAME" && chown "$OWNER" /data "/data/$POD_NAME"']
  env:
    - name: POD_NAME
      valueFrom: {fieldRef: {fieldPath: metadata.name}}
    - {name: OWNER, value: "{{ int64 .Values.podSecurityContext.runAsUser }}:{{ int64 (default .Values.podSecurityContext.runAsUser .Values.podSecurityContext.runAsGroup) }}"}
  securityContext:
    runAsUser: 0
    runAsNonRoot: false
    allowPrivilegeEscalation: false
    readOnlyRootFilesystem: true
    capabilities: {drop: [ALL], add: [CHOWN]}
  {{- with .Values.resources }}
  resources:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  volumeMounts:
    - {name: data, mountPath: /data}
{{- end -}}

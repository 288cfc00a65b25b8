{{/*
Where pods run. On a single node all run there, and a replacement also finds a place when every node or zone has one already. Where pods
could take turns, they must: on the node that is there first they would all stay.
*/}}
{{- define "capi-registry-hook.scheduling" -}}
{{- with .Values.priorityClassName -}}
priorityClassName: {{ . }}
{{ end -}}
{{- with .Values.nodeSelector -}}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{ end -}}
{{- with .Values.tolerations -}}
tolerations:
  {{- toYaml . | nindent 2 }}
{{ end -}}
affinity:
{{- if .Values.affinity }}
  {{- toYaml .Values.affinity | nindent 2 }}
{{- else }}
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels:
              {{- include "capi-registry-hook.selector" . | nindent 14 }}
{{- end }}
topologySpreadConstraints:
{{- if .Values.topologySpreadConstraints }}
  {{- toYaml .Values.topologySpreadConstraints | nindent 2 }}
{{- else }}
{{- if semverCompare ">=1.26.0-0" .Capabilities.KubeVersion.Version }}
  # Nodes that the pods do not tolerate don't count; older versions have no way to say that.
  - topologyKey: kubernetes.io/hostname
    maxSkew: 1
    whenUnsatisfiable: DoNotSchedule
    nodeTaintsPolicy: Honor
    labelSelector:
      matchLabels:
        {{- include "capi-registry-hook.selector" . | nindent 8 }}
{{- end }}
  - topologyKey: topology.kubernetes.io/zone
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "capi-registry-hook.selector" . | nindent 8 }}
{{- end }}
{{- end -}}

{{- define "capi-registry-hook.mounts" -}}
{{- if ne .Values.certificate.mode "selfManaged" }}
- {name: tls, mountPath: /etc/capi-registry-hook/tls, readOnly: true}
{{- end }}
{{- if .Values.clientAuthentication.caSecret }}
- {name: clients, mountPath: /etc/capi-registry-hook/clients, readOnly: true}
{{- end }}
{{- if .Values.registry.values }}
- {name: registry-values, mountPath: /etc/capi-registry-hook/registry, readOnly: true}
{{- end }}
{{- if .Values.management.kubeconfig.secretName }}
- {name: management, mountPath: /etc/capi-registry-hook/management, readOnly: true}
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Whole folders, never single files: only those follow a changed Secret or ConfigMap. */}}
{{- define "capi-registry-hook.volumes" -}}
{{- if ne .Values.certificate.mode "selfManaged" }}
- name: tls
  secret:
    secretName: {{ include "capi-registry-hook.servingSecret" . }}
    defaultMode: 0440
    items: [{key: tls.crt, path: tls.crt}, {key: tls.key, path: tls.key}]
{{- end }}
{{- with .Values.clientAuthentication }}
{{- if .caSecret }}
- name: clients
  secret:
    secretName: {{ .caSecret }}
    defaultMode: 0440
    items: [{key: {{ .caKey }}, path: {{ .caKey }}}]
{{- end }}
{{- end }}
{{- if .Values.registry.values }}
- name: registry-values
  configMap:
    name: {{ include "capi-registry-hook.fullname" . }}-registry
{{- end }}
{{- with .Values.management.kubeconfig }}
{{- if .secretName }}
- name: management
  secret:
    secretName: {{ .secretName }}
    defaultMode: 0440
    items: [{key: {{ .key }}, path: {{ .key }}}]
{{- end }}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

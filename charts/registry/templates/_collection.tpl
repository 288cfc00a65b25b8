{{/*
Collects before the pod serves, once for each run that the CronJob asked for: nobody else has the volume, so nothing can be written
meanwhile. What fails here must not keep the registry from serving; a volume that never held an image is such a failure.
*/}}
{{- define "registry.collectBeforeServing" -}}
- name: collect
  image: {{ include "registry.imageReference" (list . .Values.image) }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  command:
    - /bin/sh
    - -c
    - |
      [ -n "$REQUESTED" ] || exit 0
      read -r last 2>/dev/null <"$MARK" || last=
      [ "$REQUESTED" != "$last" ] || exit 0
      {{ include "registry.collectCommand" . }} || echo "garbage collection $REQUESTED failed; the registry serves what is there"
      echo "$REQUESTED" >"$MARK" || exit 0
  env:
    {{- include "registry.environment" . | nindent 4 }}
    - name: REQUESTED
      valueFrom: {fieldRef: {fieldPath: "metadata.annotations['capi-registry-hook.io/garbage-collection']"}}
    - name: MARK
      value: {{ if eq .Values.storage.type "hostPath" }}/var/lib/registry/$(POD_NAME).collected{{ else }}{{ include "registry.rootDirectory" . }}/.collected{{ end }}
  securityContext:
    {{- toYaml .Values.containerSecurityContext | nindent 4 }}
  {{- with .Values.resources }}
  resources:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  volumeMounts:
    {{- include "registry.mounts" . | nindent 4 }}
{{- end -}}

{{- define "registry.collectCommand" -}}
registry garbage-collect {{ if .Values.garbageCollection.deleteUntagged }}--delete-untagged {{ end }}/etc/distribution/config.yml
{{- end -}}

{{/* A container that calls kubectl: list CONTEXT NAME ARGUMENTS. */}}
{{- define "registry.kubectl" -}}
{{- $root := index . 0 -}}
- name: {{ index . 1 }}
  image: {{ include "registry.imageReference" (list $root $root.Values.garbageCollection.image) }}
  imagePullPolicy: {{ $root.Values.garbageCollection.image.pullPolicy }}
  command: [kubectl]
  args:
    {{- concat (list (printf "--namespace=%s" $root.Release.Namespace) "--cache-dir=/tmp/kubectl") (index . 2) | toYaml | nindent 4 }}
  env:
    - name: RUN
      valueFrom: {fieldRef: {fieldPath: "metadata.labels['job-name']"}}
  securityContext:
    {{- toYaml $root.Values.containerSecurityContext | nindent 4 }}
  {{- with $root.Values.garbageCollection.resources }}
  resources:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  volumeMounts:
    - {name: work, mountPath: /tmp}
{{- end -}}

{{/* A container of the registry's image in a run over shared storage: list CONTEXT NAME SCRIPT. */}}
{{- define "registry.collectionStep" -}}
{{- $root := index . 0 -}}
- name: {{ index . 1 }}
  image: {{ include "registry.imageReference" (list $root $root.Values.image) }}
  imagePullPolicy: {{ $root.Values.image.pullPolicy }}
  command: [/bin/sh, -c, {{ index . 2 | quote }}]
  env:
    {{- include "registry.environment" $root | nindent 4 }}
  securityContext:
    {{- toYaml $root.Values.containerSecurityContext | nindent 4 }}
  {{- with $root.Values.garbageCollection.resources }}
  resources:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  volumeMounts:
    - {name: work, mountPath: /tmp}
    {{- include "registry.mounts" $root | nindent 4 }}
{{- end -}}

{{/* Asks for a restart in which each replica collects, and waits for its end. */}}
{{- define "registry.restartSteps" -}}
{{- $set := printf "statefulset/%s" (include "registry.fullname" .) -}}
{{- $patch := dict "spec" (dict "template" (dict "metadata" (dict "annotations" (dict "capi-registry-hook.io/garbage-collection" "$(RUN)")))) -}}
initContainers:
  {{- include "registry.kubectl" (list . "restart" (list "patch" $set "--type=merge" (printf "--patch=%s" (toJson $patch)))) | nindent 2 }}
containers:
  {{- include "registry.kubectl" (list . "wait" (include "registry.waitArguments" . | fromYamlArray)) | nindent 2 }}
{{- end -}}

{{/* All replicas read-only, collect, all replicas writable again. Ends as failed when collecting failed, but not before they are writable. */}}
{{- define "registry.windowSteps" -}}
{{- $set := printf "statefulset/%s" (include "registry.fullname" .) -}}
initContainers:
  {{- include "registry.kubectl" (list . "read-only" (list "set" "env" $set "--containers=registry" "REGISTRY_STORAGE_MAINTENANCE_READONLY={enabled: true}")) | nindent 2 }}
  {{- include "registry.kubectl" (list . "wait" (include "registry.waitArguments" . | fromYamlArray)) | nindent 2 }}
  {{- include "registry.collectionStep" (list . "collect" (printf "%s || >/tmp/failed" (include "registry.collectCommand" .))) | nindent 2 }}
containers:
  {{- include "registry.kubectl" (list . "writable" (list "set" "env" $set "--containers=registry" "REGISTRY_STORAGE_MAINTENANCE_READONLY={enabled: false}")) | nindent 2 }}
  {{- include "registry.collectionStep" (list . "report" "[ ! -e /tmp/failed ]") | nindent 2 }}
{{- end -}}

{{- define "registry.waitArguments" -}}
{{- list "rollout" "status" (printf "statefulset/%s" (include "registry.fullname" .)) (printf "--timeout=%ds" (int .Values.garbageCollection.rolloutTimeoutSeconds)) | toYaml -}}
{{- end -}}

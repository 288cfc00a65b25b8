{{/*
Collects garbage, ends with the collection's own code and leaves its last words in $said. "seconds" bounds it. A repository that was only
pushed to by digest has no folder of tags, which makes a collection of untagged manifests fail: it gets one.
*/}}
{{- define "registry.collectFunction" -}}
collect() { # SECONDS
  {{- if and .Values.garbageCollection.deleteUntagged (not (include "registry.objectStorage" .)) }}
  find "${REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY:-{{ include "registry.rootDirectory" . }}}" -type d -name _manifests 2>/dev/null |
    while read -r folder; do mkdir -p "$folder/tags"; done
  {{- end }}
  { said=$({ timeout "$1" registry garbage-collect {{ if .Values.garbageCollection.deleteUntagged }}--delete-untagged {{ end }}/etc/distribution/config.yml; } 2>&1 >&3); } 3>&1
  code=$?
  [ -z "$said" ] || echo "$said"
  [ "$code" != 143 ] && [ "$code" != 124 ] || said="not done after $1 seconds"
  said=$(echo "$said" | tail -n 1)
  return "$code"
}
{{- end -}}

{{/*
Collects before the pod serves, once for each run that the CronJob asked for: nobody else has the volume, so nothing can be written
meanwhile. What fails here must not keep the registry from serving; it is left in the container's termination message, which the Job
reads, and in a note on the volume for the case that the pod restarts meanwhile.
*/}}
{{- define "registry.collectBeforeServing" -}}
- name: collect
  image: {{ include "registry.imageReference" (list . .Values.image) | quote }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  command:
    - /bin/sh
    - -c
    - |
      [ -n "$REQUESTED" ] || exit 0
      {{- include "registry.collectFunction" . | nindent 6 }}
      run= result=
      read -r run result 2>/dev/null <"$MARK"
      if [ "$REQUESTED" != "$run" ]; then
        if [ ! -d "${REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY:-{{ include "registry.rootDirectory" . }}}/docker/registry/v2/repositories" ]; then
          result=collected
        elif collect {{ int .Values.garbageCollection.timeoutSeconds }}; then
          result=collected
        else
          result="failed: $said"
        fi
        echo "$REQUESTED $result" >"$MARK" || result="failed: the note $MARK can't be written"
      fi
      printf '%s' "$REQUESTED $result" >/dev/termination-log
  env:
    {{- include "registry.environment" . | nindent 4 }}
    - name: REQUESTED
      valueFrom: {fieldRef: {fieldPath: "metadata.annotations['capi-registry-hook.io/garbage-collection']"}}
    - name: MARK
      value: {{ include "registry.note" (list . "collected") | quote }}
  securityContext:
    {{- toYaml .Values.containerSecurityContext | nindent 4 }}
  {{- with .Values.resources }}
  resources:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  volumeMounts:
    {{- include "registry.mounts" . | nindent 4 }}
{{- end -}}

{{/* A container that calls kubectl: list CONTEXT NAME ARGUMENTS. */}}
{{- define "registry.kubectl" -}}
{{- $root := index . 0 -}}
- name: {{ index . 1 }}
  image: {{ include "registry.imageReference" (list $root $root.Values.garbageCollection.image) | quote }}
  imagePullPolicy: {{ $root.Values.garbageCollection.image.pullPolicy }}
  command: [kubectl]
  args:
    {{- concat (list (printf "--namespace=%s" $root.Release.Namespace) "--cache-dir=/tmp/kubectl") (index . 2) | toYaml | nindent 4 }}
  env:
    # A Job of this name may have run before; its uid never has.
    - name: RUN
      valueFrom: {fieldRef: {fieldPath: "metadata.labels['controller-uid']"}}
  terminationMessagePolicy: FallbackToLogsOnError
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
  image: {{ include "registry.imageReference" (list $root $root.Values.image) | quote }}
  imagePullPolicy: {{ $root.Values.image.pullPolicy }}
  command:
    - /bin/sh
    - -c
    - |
      {{- index . 2 | nindent 6 }}
  env:
    {{- include "registry.environment" $root | nindent 4 }}
  terminationMessagePolicy: FallbackToLogsOnError
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

{{/* Asks for a restart in which each replica collects, waits for its end, prints what came of it and fails when a replica failed. */}}
{{- define "registry.restartSteps" -}}
{{- $set := printf "statefulset/%s" (include "registry.fullname" .) -}}
{{- $patch := dict "spec" (dict "template" (dict "metadata" (dict "annotations" (dict "capi-registry-hook.io/garbage-collection" "$(RUN)")))) -}}
{{- $message := printf "{.status.initContainerStatuses[%d].state.terminated.message}" (ternary 1 0 (eq (include "registry.prepares" .) "true")) -}}
{{- $pods := printf "--selector=%s" (include "registry.selectorArgument" .) -}}
initContainers:
  {{- include "registry.kubectl" (list . "restart" (list "patch" $set "--type=merge" (printf "--patch=%s" (toJson $patch)))) | nindent 2 }}
  {{- include "registry.kubectl" (list . "wait" (include "registry.waitArguments" . | fromYamlArray)) | nindent 2 }}
  {{- include "registry.kubectl" (list . "result" (list "get" "pods" $pods (printf "--output=jsonpath={range .items[*]}{.metadata.name}: %s{\"\\n\"}{end}" $message))) | nindent 2 }}
containers:
  {{- include "registry.kubectl" (list . "collected-everywhere" (list "wait" "pods" $pods (printf "--for=jsonpath=%s=$(RUN) collected" $message) "--timeout=30s")) | nindent 2 }}
{{- end -}}

{{- define "registry.selectorArgument" -}}
app.kubernetes.io/name={{ include "registry.name" . }},app.kubernetes.io/instance={{ .Release.Name }},app.kubernetes.io/component=registry
{{- end -}}

{{/*
All replicas read-only, collect, all replicas writable again. They are read-only until a time that their pods know, so they become
writable also when this Job, its node or the API server ends; the collection ends a minute before that time, for clocks that differ.
Ends as failed when collecting failed, but not before they are writable.
*/}}
{{- define "registry.windowSteps" -}}
{{- $set := printf "statefulset/%s" (include "registry.fullname" .) -}}
{{- $window := add (int .Values.garbageCollection.rolloutTimeoutSeconds) (int .Values.garbageCollection.timeoutSeconds) 60 -}}
{{- $writable := dict "spec" (dict "template" (dict "metadata" (dict "annotations" (dict "capi-registry-hook.io/read-only-until" nil)))) -}}
initContainers:
  {{- include "registry.collectionStep" (list . "deadline" (include "registry.deadlineScript" $window)) | nindent 2 }}
  {{- include "registry.kubectl" (list . "read-only" (list "patch" $set "--type=merge" "--patch-file=/tmp/read-only.json")) | nindent 2 }}
  {{- include "registry.kubectl" (list . "wait" (include "registry.waitArguments" . | fromYamlArray)) | nindent 2 }}
  {{- include "registry.collectionStep" (list . "collect" (include "registry.windowScript" .)) | nindent 2 }}
containers:
  {{- include "registry.kubectl" (list . "writable" (list "patch" $set "--type=merge" (printf "--patch=%s" (toJson $writable)))) | nindent 2 }}
  {{- include "registry.collectionStep" (list . "report" "[ ! -e /tmp/failed ] || { cat /tmp/failed; exit 1; }") | nindent 2 }}
{{- end -}}

{{- define "registry.deadlineScript" -}}
until=$(($(date +%s) + {{ . }}))
echo "$until" >/tmp/until
printf '{"spec":{"template":{"metadata":{"annotations":{"capi-registry-hook.io/read-only-until":"%s"}}}}}' "$until" >/tmp/read-only.json
{{- end -}}

{{- define "registry.windowScript" -}}
{{ include "registry.collectFunction" . }}
rm -f /tmp/failed
seconds=$(($(cat /tmp/until) - $(date +%s) - 60))
[ "$seconds" -gt 0 ] || seconds=1
collect "$seconds" || echo "The collection failed: $said" >/tmp/failed
{{- end -}}

{{/* The registry, read-only until the time that a collection set: then it ends, and the kubelet starts it again, writable. */}}
{{- define "registry.serveScript" -}}
seconds=$((${READ_ONLY_UNTIL:-0} - $(date +%s)))
[ "$seconds" -gt 0 ] || exec registry serve /etc/distribution/config.yml
export REGISTRY_STORAGE_MAINTENANCE_READONLY='{enabled: true}'
exec timeout "$seconds" registry serve /etc/distribution/config.yml
{{- end -}}

{{- define "registry.waitArguments" -}}
{{- list "rollout" "status" (printf "statefulset/%s" (include "registry.fullname" .)) (printf "--timeout=%ds" (int .Values.garbageCollection.rolloutTimeoutSeconds)) | toYaml -}}
{{- end -}}

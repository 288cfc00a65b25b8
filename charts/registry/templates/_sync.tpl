{{/*
Fills a replica from all others and copies from the primary, again and again. The registry serves meanwhile; the pod is ready when it was
full once, which a note on its volume says. The configuration is read again for each pass.
*/}}
{{- define "registry.syncScript" -}}
#!/bin/sh
set -u
work=$WORK
untagged='Failed getting source tags.*http 404'
mkdir -p "$work"
trap 'exit 0' TERM INT

# Copies what a configuration says; true when everything was copied. A repository that was only pushed to by digest has no list of tags:
# regsync calls that an error, but there is nothing to copy.
pass() { # CONFIGURATION [OPTION...]
  configuration=$1
  shift
  { timeout 21600 regsync once --config "$configuration" --verbosity "$LOG_LEVEL" "$@" 2>&1; echo $? >"$work/status"; } | tee "$work/log" &
  wait $!
  [ "$(cat "$work/status")" != 0 ] || return 0
  grep -q "$untagged" "$work/log" && ! grep level=ERROR "$work/log" | grep -qv "$untagged"
}

pause() { # SECONDS...: interrupted by a signal, which sleep alone is not
  sleep "$@" &
  wait $!
}

show() {
  {
    printf 'HTTP/1.0 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nConnection: close\r\n\r\n'
    echo '# HELP registry_sync_filled Whether this replica has had everything that the others have at least once.'
    echo '# TYPE registry_sync_filled gauge'
    echo "registry_sync_filled $([ -e "$FILLED" ] && echo 1 || echo 0)"
    if [ -n "$copied" ]; then
      echo '# HELP registry_sync_last_success_timestamp_seconds When everything that the primary has was last known to be here.'
      echo '# TYPE registry_sync_last_success_timestamp_seconds gauge'
      echo "registry_sync_last_success_timestamp_seconds $copied"
    fi
  } >"$work/metrics.new"
  mv "$work/metrics.new" "$work/metrics"
}

{{- if include "registry.fetching" . }}

# Fetches what a file of the values names, again and again. What fails is retried within a minute.
fetch() { # CONFIGURATION
  work=$WORK/$(basename "$1" .yml)
  mkdir -p "$work"
  between=$(sed -n 's/^  interval: *"*\([0-9hms]*\).*/\1/p' "$1" | sed 's/[hms]/& /g')
  while :; do
    # What other replicas have comes first.
    if [ ! -e "$FILLED" ]; then
      pause 5
    elif pass "$1"; then
      # shellcheck disable=SC2086 # several durations
      pause $between
    else
      pause 60
    fi
  done
}

# Fetches what the management cluster declares. The files are there while something is missing; what was fetched is looked for again
# after five minutes, or when its file changes.
fetch_declared() { # THE-BEGIN-OF-EACH-CONFIGURATION
  work=$WORK/declared
  mkdir -p "$work"
  while :; do
    for part in "$DECLARED"/*.yml; do
      fetched=$work/$(basename "$part" .yml).fetched
      [ -e "$FILLED" ] && [ -s "$part" ] || continue
      [ -z "$(find "$fetched" -mmin -5 2>/dev/null)" ] || ! cmp -s "$part" "$fetched" || continue
      cat "$1" "$part" >"$work/config.yml"
      cp "$part" "$work/copy"
      if pass "$work/config.yml"; then mv "$work/copy" "$fetched"; fi
    done
    pause 10
  done
}
{{- end }}

# One answer after the other; a client that does not ask within 5 seconds is cut off.
serve() {
  while :; do
    timeout 60 nc -l -p "$METRICS_PORT" -e timeout 5 sh -c 'while read -r line && [ ${#line} -gt 1 ]; do :; done; cat "$WORK/metrics"' || sleep 1
  done
}

copied=
complete=
delay=1
show
[ -z "$METRICS_PORT" ] || serve 2>/dev/null &
{{- if include "registry.fetching" . }}
for file in "$FOLDER/$POD_NAME".source-*.yml; do
  [ ! -e "$file" ] || fetch "$file" &
done
[ ! -e "$FOLDER/$POD_NAME.target.yml" ] || fetch_declared "$FOLDER/$POD_NAME.target.yml" &
{{- end }}
while :; do
  start=$(date +%s)
{{- if include "registry.fetching" . }}
  if [ -z "$complete" ] && { [ ! -e "$FOLDER/$POD_NAME.fill.yml" ] || pass "$FOLDER/$POD_NAME.fill.yml" --missing; }; then
{{- else }}
  if [ -z "$complete" ] && pass "$FOLDER/$POD_NAME.fill.yml" --missing; then
{{- end }}
    complete=yes
    [ -e "$FILLED" ] || echo "$start" >"$FILLED"
  fi
  if [ -s "$FOLDER/$POD_NAME.yml" ] && pass "$FOLDER/$POD_NAME.yml"; then copied=$start; fi
  show
  if [ -e "$FILLED" ]; then
    # shellcheck disable=SC2086 # several durations
    pause $INTERVAL
  else
    echo "This replica is not full yet, so it is not ready; the next try is in $delay s."
    pause "$delay"
    delay=$((delay < 30 ? delay * 2 : 30))
  fi
done
{{- end -}}

{{/* The Secrets of the sources, as what a volume is projected from; empty when there are none. */}}
{{- define "registry.sourceSecrets" -}}
{{- range $index, $source := .Values.sync.sources }}
{{- with $source.credentialsSecret }}
- secret: {name: {{ . | quote }}, items: [{key: username, path: "{{ $index }}/username"}, {key: password, path: "{{ $index }}/password"}]}
{{- end }}
{{- with $source.caSecret }}
- secret: {name: {{ . | quote }}, items: [{key: ca.crt, path: "{{ $index }}/ca.crt"}]}
{{- end }}
{{- end }}
{{- end -}}

{{/* The sidecar. Without other replicas there is nothing to be filled with, so the note of that is not kept. */}}
{{- define "registry.syncContainer" -}}
- name: regsync
  image: {{ include "registry.imageReference" (list . .Values.sync.image) | quote }}
  imagePullPolicy: {{ .Values.sync.image.pullPolicy }}
  command: [/bin/sh, /etc/regsync/config/sync.sh]
  env:
    - name: POD_NAME
      valueFrom: {fieldRef: {fieldPath: metadata.name}}
    - {name: FOLDER, value: /etc/regsync/config}
    - {name: FILLED, value: {{ ternary "/tmp/filled" (include "registry.note" (list . "filled")) (empty (include "registry.replicated" .)) | quote }}}
    {{- if .Values.sync.pull }}
    - {name: DECLARED, value: /etc/regsync/declared}
    {{- end }}
    - {name: INTERVAL, value: {{ regexReplaceAll "[hms]" .Values.sync.interval "${0} " | trim | quote }}}
    - {name: LOG_LEVEL, value: {{ .Values.sync.logLevel }}}
    - {name: METRICS_PORT, value: {{ ternary "5002" "" .Values.metrics.enabled | quote }}}
    - {name: WORK, value: /tmp/sync}
  {{- if .Values.metrics.enabled }}
  ports:
    - {name: sync-metrics, containerPort: 5002, protocol: TCP}
  {{- end }}
  readinessProbe:
    exec: {command: [/bin/sh, -c, 'test -e "$FILLED"']}
    periodSeconds: {{ int .Values.probes.readiness.periodSeconds }}
    timeoutSeconds: {{ int .Values.probes.readiness.timeoutSeconds }}
    failureThreshold: 1
  securityContext:
    {{- toYaml .Values.containerSecurityContext | nindent 4 }}
  {{- with .Values.sync.resources }}
  resources:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  volumeMounts:
    - name: sync
      mountPath: /etc/regsync/config
      readOnly: true
    - name: sync-tls
      mountPath: /etc/regsync/tls
      readOnly: true
    {{- if .Values.auth.htpasswd.secretName }}
    - name: sync-auth
      mountPath: /etc/regsync/auth
      readOnly: true
    {{- end }}
    {{- if include "registry.sourceSecrets" . }}
    - name: sync-sources
      mountPath: /etc/regsync/sources
      readOnly: true
    {{- end }}
    {{- if .Values.sync.pull }}
    - name: sync-declared
      mountPath: /etc/regsync/declared
      readOnly: true
    {{- end }}
    - name: sync-work
      mountPath: /tmp
    {{- if include "registry.replicated" . }}
    # For the note that this replica was full once.
    - name: data
      mountPath: /var/lib/registry
    {{- end }}
{{- end -}}

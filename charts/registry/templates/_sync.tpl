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
while :; do
  start=$(date +%s)
  if [ -z "$complete" ] && pass "$FOLDER/$POD_NAME.fill.yml" --missing; then
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

{{/* The sidecar. */}}
{{- define "registry.syncContainer" -}}
- name: regsync
  image: {{ include "registry.imageReference" (list . .Values.sync.image) | quote }}
  imagePullPolicy: {{ .Values.sync.image.pullPolicy }}
  command: [/bin/sh, /etc/regsync/config/sync.sh]
  env:
    - name: POD_NAME
      valueFrom: {fieldRef: {fieldPath: metadata.name}}
    - {name: FOLDER, value: /etc/regsync/config}
    - {name: FILLED, value: {{ include "registry.note" (list . "filled") | quote }}}
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
    - name: sync-work
      mountPath: /tmp
    # For the note that this replica was full once.
    - name: data
      mountPath: /var/lib/registry
{{- end -}}

{{/* "true" when a container watches how full the volume is. A cache makes room itself, and a bucket has no end. */}}
{{- define "registry.guarded" -}}
{{- if and (not (include "registry.objectStorage" .)) (not .Values.pullThrough.enabled) (gt (int .Values.storage.highWaterMark) 0) -}}true{{- end -}}
{{- end -}}

{{/*
Keeps a volume from being filled to the brim: from the mark on, nothing in it that a push begins with can be written. Neither version of
CNCF Distribution can be told so while it runs, and both refuse deletes too when they are started read-only. So it is the permissions of
its files that change: pulls, deletes and collections need none of them. Version 2.8 empties the link of a tag before it writes it anew,
so links are closed too: a push that moves a tag on a full volume would lose the tag.
*/}}
{{- define "registry.guardScript" -}}
set -u
repositories=${REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY:-{{ include "registry.rootDirectory" . }}}/docker/registry/v2/repositories

level() { # How full the volume is, by bytes or inodes, in percent.
  set -- $(stat -f -c '%b %a %c %d' /var/lib/registry)
  [ $# -eq 4 ] && [ "$1" -gt 0 ] || return 1
  bytes=$((100 - $2 * 100 / $1))
  inodes=0
  [ "$3" -eq 0 ] || inodes=$((100 - $4 * 100 / $3))
  echo $((bytes > inodes ? bytes : inodes))
}

# Folders of repositories, and uploads with all that is in them. What is stored, and what a delete removes, lies below the others.
close() {
  mkdir -p "$repositories"
  find "$repositories" -type d \( -name _layers -o -name _manifests \) -prune -o -exec chmod a-w {} +
  find "$repositories" -type f -name link -perm -u+w -exec chmod a-w {} +
}

open() {
  [ ! -d "$repositories" ] || find "$repositories" ! -perm -u+w -exec chmod u+w {} +
}

# An upload that was cut off takes space for a week otherwise, and nobody can go on with it now.
discard() {
  find "$repositories" -path '*/_uploads/*' -name data -mmin "+$DISCARD_MINUTES" | while read -r data; do
    upload=${data%/data}
    chmod -R u+w "${upload%/*}" && rm -rf "$upload" && echo "Discarded an upload that was cut off: $upload"
    chmod -R a-w "${upload%/*}"
  done
}

trap 'exit 0' TERM INT
state=
ticks=0
while :; do
  if now=$(level); then
    if [ "$now" -ge "$MARK" ]; then
      # Again and again, for what an upload that was just beginning has made since.
      if [ "$state" != closed ] || [ $((ticks % 30)) -eq 0 ]; then close; fi
      [ "$state" = closed ] || echo "The volume is $now% full: this replica takes no pushes. Remove content, or make the volume larger."
      state=closed
    elif [ "$now" -le $((MARK - 5)) ]; then
      [ "$state" = open ] || open
      [ "$state" != closed ] || echo "The volume is $now% full: this replica takes pushes again."
      state=open
    elif [ -z "$state" ]; then
      # Between both: as it was before this container started.
      [ -w "$repositories" ] || [ ! -d "$repositories" ] || state=closed
    fi
    [ "$state" != closed ] || discard
  fi
  ticks=$((ticks + 1))
  sleep "$SECONDS_BETWEEN" &
  wait $!
done
{{- end -}}

{{- define "registry.guardContainer" -}}
- name: guard
  image: {{ include "registry.imageReference" (list . .Values.image) | quote }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  command:
    - /bin/sh
    - -c
    - |
      {{- include "registry.guardScript" . | nindent 6 }}
  env:
    {{- if eq .Values.storage.type "hostPath" }}
    {{- include "registry.environment" . | nindent 4 }}
    {{- end }}
    - {name: MARK, value: {{ int .Values.storage.highWaterMark | quote }}}
    - {name: SECONDS_BETWEEN, value: "2"}
    - {name: DISCARD_MINUTES, value: "10"}
  securityContext:
    {{- toYaml .Values.containerSecurityContext | nindent 4 }}
  resources:
    requests: {cpu: 5m, memory: 8Mi}
    limits: {memory: 64Mi}
  volumeMounts:
    - name: data
      mountPath: /var/lib/registry
{{- end -}}

{{/* The configuration of CNCF Distribution (versions 2.8 and 3), without secrets: those come as files and environment variables. */}}
{{- define "registry.configuration" -}}
{{- $config := dict
  "version" "0.1"
  "log" (dict "level" .Values.log.level "formatter" .Values.log.format "accesslog" (dict "disabled" (not .Values.log.access)) "fields" (dict "service" "registry"))
  "http" (dict
    "addr" ":5000"
    "draintimeout" (printf "%ds" (int .Values.drain.timeoutSeconds))
    "headers" (dict "X-Content-Type-Options" (list "nosniff"))
    "tls" (dict "certificate" "/etc/registry/tls/tls.crt" "key" "/etc/registry/tls/tls.key" "minimumtls" "tls1.2"))
  "storage" (include "registry.storageConfiguration" . | fromYaml)
  "health" (dict "storagedriver" (dict "enabled" true "interval" "10s" "threshold" 3))
-}}
{{- if .Values.metrics.enabled -}}
{{- $_ := set $config.http "debug" (dict "addr" ":5001" "prometheus" (dict "enabled" true "path" "/metrics")) -}}
{{- end -}}
{{- if .Values.auth.htpasswd.secretName -}}
{{- $_ := set $config "auth" (dict "htpasswd" (dict "realm" .Values.auth.htpasswd.realm "path" "/etc/registry/auth/htpasswd")) -}}
{{- end -}}
{{- if .Values.pullThrough.enabled -}}
{{- $proxy := dict "remoteurl" .Values.pullThrough.upstream -}}
{{- with .Values.pullThrough.ttl -}}{{- $_ := set $proxy "ttl" . -}}{{- end -}}
{{- $_ := set $config "proxy" $proxy -}}
{{- end -}}
{{- mergeOverwrite $config (deepCopy (default dict .Values.config)) | toYaml -}}
{{- end -}}

{{/*
What is known of a layer may be kept in memory as long as nobody else deletes layers: several replicas on one storage would go on
telling clients of a layer that another one deleted.
*/}}
{{- define "registry.storageConfiguration" -}}
{{- $storage := dict
  "delete" (dict "enabled" (or .Values.delete.enabled .Values.pullThrough.enabled))
  "redirect" (dict "disable" (not .Values.storage.s3.redirect))
-}}
{{- if or (include "registry.privateStorage" .) (le (int .Values.replicas) 1) -}}
{{- $_ := set $storage "cache" (dict "blobdescriptor" "inmemory") -}}
{{- end -}}
{{- if eq .Values.storage.type "s3" -}}
{{- $_ := set $storage "s3" (include "registry.s3Configuration" . | fromYaml) -}}
{{- else -}}
{{- $_ := set $storage "filesystem" (dict "rootdirectory" (include "registry.rootDirectory" .)) -}}
{{- end -}}
{{- $storage | toYaml -}}
{{- end -}}

{{- define "registry.s3Configuration" -}}
{{- with .Values.storage.s3 -}}
{{- $s3 := dict "bucket" .bucket "region" .region -}}
{{- with .endpoint -}}{{- $_ := set $s3 "regionendpoint" . -}}{{- end -}}
{{- with .rootDirectory -}}{{- $_ := set $s3 "rootdirectory" . -}}{{- end -}}
{{- if .forcePathStyle -}}{{- $_ := set $s3 "forcepathstyle" true -}}{{- end -}}
{{- $s3 | toYaml -}}
{{- end -}}
{{- end -}}

{{/* Replicas that meet on one node would share a hostPath: there, an environment variable adds the pod's name. */}}
{{- define "registry.rootDirectory" -}}
{{- $folder := ternary .Values.storage.existingClaim.folder "" (eq .Values.storage.type "existingClaim") -}}
{{- clean (printf "/var/lib/registry/%s" $folder) -}}
{{- end -}}

{{/*
regsync's configuration of one replica: list CONTEXT ORDINAL. Every other replica is a source, the replica itself never is.
Only the primary's tags are copied over and over. From the others a replica takes what it lacks, once, when it starts: regsync
overwrites tags that differ, so a tag just moved on the primary would be moved back by a replica that has not heard of it yet.
*/}}
{{- define "registry.syncConfiguration" -}}
{{- $root := index . 0 -}}
{{- $self := int (index . 1) -}}
{{- $login := dict "tls" "enabled" "regcert" "{{file \"/etc/regsync/tls/ca.crt\"}}" -}}
{{- if $root.Values.auth.htpasswd.secretName -}}
{{- $login = merge $login (dict "user" "{{file \"/etc/regsync/auth/username\"}}" "pass" "{{file \"/etc/regsync/auth/password\"}}") -}}
{{- end -}}
{{- $creds := list (merge (dict "registry" "127.0.0.1:5000") $login) -}}
{{- $sync := list -}}
{{- range $ordinal := until (int $root.Values.replicas) -}}
{{- if ne $ordinal $self -}}
{{- $host := include "registry.replicaHost" (list $root $ordinal) -}}
{{- $creds = append $creds (merge (dict "registry" $host) $login) -}}
{{- $interval := ternary $root.Values.sync.interval "87600h" (eq $ordinal 0) -}}
{{- $sync = append $sync (dict "source" $host "target" "127.0.0.1:5000" "type" "registry" "interval" $interval) -}}
{{- end -}}
{{- end -}}
{{- dict
  "version" 1
  "creds" $creds
  "defaults" (dict "digestTags" true "referrers" true "parallel" (int $root.Values.sync.parallel) "skipDockerConfig" true)
  "sync" $sync | toYaml -}}
{{- end -}}

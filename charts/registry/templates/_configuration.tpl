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
telling clients of a layer that another one deleted. A cache of an upstream deletes layers by itself and, with such a memory, would
serve them cut short (https://github.com/distribution/distribution/issues/2367).
*/}}
{{- define "registry.storageConfiguration" -}}
{{- $storage := dict
  "delete" (dict "enabled" (or .Values.delete.enabled .Values.pullThrough.enabled))
  "redirect" (dict "disable" (not (include "registry.redirect" .)))
-}}
{{- if and (not .Values.pullThrough.enabled) (or (include "registry.privateStorage" .) (le (int .Values.replicas) 1)) -}}
{{- $_ := set $storage "cache" (dict "blobdescriptor" "inmemory") -}}
{{- end -}}
{{- if eq .Values.storage.type "s3" -}}
{{- $_ := set $storage "s3" (include "registry.s3Configuration" . | fromYaml) -}}
{{- else if eq .Values.storage.type "gcs" -}}
{{- $_ := set $storage "gcs" (include "registry.gcsConfiguration" . | fromYaml) -}}
{{- else if eq .Values.storage.type "azure" -}}
{{- $_ := set $storage "azure" (include "registry.azureConfiguration" . | fromYaml) -}}
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

{{- define "registry.gcsConfiguration" -}}
{{- with .Values.storage.gcs -}}
{{- $gcs := dict "bucket" .bucket -}}
{{- with .rootDirectory -}}{{- $_ := set $gcs "rootdirectory" . -}}{{- end -}}
{{- if .credentials.secretName -}}{{- $_ := set $gcs "keyfile" "/etc/registry/gcs/key.json" -}}{{- end -}}
{{- $gcs | toYaml -}}
{{- end -}}
{{- end -}}

{{/* Version 2.8 knows account keys only, and ignores the kind of credentials. */}}
{{- define "registry.azureConfiguration" -}}
{{- with .Values.storage.azure -}}
{{- $azure := dict "accountname" .accountName "container" .container "credentials" (dict "type" (ternary "shared_key" "default_credentials" (not (empty .credentials.secretName)))) -}}
{{- with .realm -}}{{- $_ := set $azure "realm" . -}}{{- end -}}
{{- with .rootDirectory -}}{{- $_ := set $azure "rootdirectory" . -}}{{- end -}}
{{- $azure | toYaml -}}
{{- end -}}
{{- end -}}

{{/* "true" when clients are sent to the storage for layers. */}}
{{- define "registry.redirect" -}}
{{- $storage := .Values.storage -}}
{{- if or (and (eq $storage.type "s3") $storage.s3.redirect) (and (eq $storage.type "gcs") $storage.gcs.redirect) (and (eq $storage.type "azure") $storage.azure.redirect) -}}true{{- end -}}
{{- end -}}

{{/* Replicas that meet on one node would share a hostPath: there, an environment variable adds the pod's name. */}}
{{- define "registry.rootDirectory" -}}
{{- $folder := ternary .Values.storage.existingClaim.folder "" (eq .Values.storage.type "existingClaim") -}}
{{- clean (printf "/var/lib/registry/%s" $folder) -}}
{{- end -}}

{{/* Where on a replica's own volume a program keeps a note: list CONTEXT NAME. Replicas that meet on one node must not share it. */}}
{{- define "registry.note" -}}
{{- $root := index . 0 -}}
{{- if eq $root.Values.storage.type "hostPath" -}}/var/lib/registry/$(POD_NAME).{{ index . 1 }}{{- else -}}{{ include "registry.rootDirectory" $root }}/.{{ index . 1 }}{{- end -}}
{{- end -}}

{{/* What regsync needs to know of every replica. */}}
{{- define "registry.syncLogin" -}}
{{- $login := dict "tls" "enabled" "regcert" "{{file \"/etc/regsync/tls/ca.crt\"}}" -}}
{{- if .Values.auth.htpasswd.secretName -}}
{{- $login = merge $login (dict "user" "{{file \"/etc/regsync/auth/username\"}}" "pass" "{{file \"/etc/regsync/auth/password\"}}") -}}
{{- end -}}
{{- $login | toYaml -}}
{{- end -}}

{{/*
regsync's configuration: list CONTEXT SOURCES, with the ordinals of the replicas to copy from. Distribution has no API for referrers, so
signatures and other referrers have tags, and all tags are copied. Asking for referrers and digest tags too would cost nine more requests
per image and pass, and copy nothing more.
*/}}
{{- define "registry.syncConfiguration" -}}
{{- $root := index . 0 -}}
{{- $login := include "registry.syncLogin" $root | fromYaml -}}
{{- $creds := list (merge (dict "registry" "127.0.0.1:5000") $login) -}}
{{- $sync := list -}}
{{- range $ordinal := index . 1 -}}
{{- $host := include "registry.replicaHost" (list $root $ordinal) -}}
{{- $creds = append $creds (merge (dict "registry" $host) $login) -}}
{{- $sync = append $sync (dict "source" $host "target" "127.0.0.1:5000" "type" "registry") -}}
{{- end -}}
{{- dict
  "version" 1
  "creds" $creds
  "defaults" (dict "parallel" (int $root.Values.sync.parallel) "skipDockerConfig" true)
  "sync" $sync | toYaml -}}
{{- end -}}

{{/* Where regsync finds a file of a source: list INDEX NAME. */}}
{{- define "registry.sourceFile" -}}
{{- printf "{{file \"/etc/regsync/sources/%d/%s\"}}" (int (index . 0)) (index . 1) -}}
{{- end -}}

{{/*
regsync's configuration of what the primary fetches by itself: list CONTEXT INDEX SOURCE. The script reads the interval; regsync, asked for
one pass, does not. Another registry may have an API for referrers, and its other tags are not copied, so both are asked for.
*/}}
{{- define "registry.sourceConfiguration" -}}
{{- $root := index . 0 -}}
{{- $index := index . 1 -}}
{{- $source := index . 2 -}}
{{- $referrers := ternary $source.referrers true (hasKey $source "referrers") -}}
{{- $login := dict "registry" $source.registry "tls" "enabled" -}}
{{- if $source.caSecret -}}{{- $_ := set $login "regcert" (include "registry.sourceFile" (list $index "ca.crt")) -}}{{- end -}}
{{- if $source.credentialsSecret -}}
{{- $_ := set $login "user" (include "registry.sourceFile" (list $index "username")) -}}
{{- $_ := set $login "pass" (include "registry.sourceFile" (list $index "password")) -}}
{{- end -}}
{{- $sync := list -}}
{{- range $image := $source.images -}}
{{- /* With a digest a tag is only a name; there, regsync is asked for the digest alone. */}}
{{- $place := ternary (regexReplaceAll "@.*$" $image.source "") $image.source (regexMatch ":[^/]+@" $image.source) -}}
{{- $from := ternary (regexReplaceAll ":[^/@]+@" $image.source "@") $image.source (contains "@" $image.source) -}}
{{- $sync = append $sync (dict "source" (printf "%s/%s" $source.registry $from) "target" (printf "127.0.0.1:5000/%s" (default $place $image.target)) "type" "image") -}}
{{- end -}}
{{- dict
  "version" 1
  "creds" (list (merge (dict "registry" "127.0.0.1:5000") (include "registry.syncLogin" $root | fromYaml)) $login)
  "defaults" (dict "interval" (default "1h" $source.interval) "parallel" (int $root.Values.sync.parallel) "referrers" $referrers "digestTags" $referrers "skipDockerConfig" true)
  "sync" $sync | toYaml -}}
{{- end -}}

{{/* The begin of regsync's configuration of what is declared on the management cluster. It ends within creds, where a declaration goes on. */}}
{{- define "registry.targetConfiguration" -}}
{{- dict "version" 1 "defaults" (dict "parallel" (int .Values.sync.parallel) "skipDockerConfig" true) | toYaml }}
{{ dict "creds" (list (merge (dict "registry" "127.0.0.1:5000") (include "registry.syncLogin" . | fromYaml))) | toYaml }}
{{ end -}}

{{/*
The files of regsync for all replicas. Only the primary's tags are copied again and again (NAME.yml). What the others have and a replica
lacks (NAME.fill.yml) is copied at its start: regsync overwrites tags that differ, so a tag just moved on the primary would be moved back
by a replica that has not heard of it yet.
*/}}
{{- define "registry.syncFiles" -}}
{{- $files := dict -}}
{{- $primary := int .Values.sync.primary -}}
{{- range $self := ternary (until (int .Values.replicas)) list (not (empty (include "registry.replicated" .))) -}}
{{- $others := list -}}
{{- range $ordinal := until (int $.Values.replicas) -}}{{- if ne $ordinal $self -}}{{- $others = append $others $ordinal -}}{{- end -}}{{- end -}}
{{- $name := printf "%s-%d" (include "registry.fullname" $) $self -}}
{{- $_ := set $files (printf "%s.fill.yml" $name) (include "registry.syncConfiguration" (list $ $others)) -}}
{{- if ne $self $primary -}}{{- $_ := set $files (printf "%s.yml" $name) (include "registry.syncConfiguration" (list $ (list $primary))) -}}{{- end -}}
{{- end -}}
{{- $name := printf "%s-%d" (include "registry.fullname" .) $primary -}}
{{- range $index, $source := .Values.sync.sources -}}
{{- $_ := set $files (printf "%s.source-%d.yml" $name $index) (include "registry.sourceConfiguration" (list $ $index $source)) -}}
{{- end -}}
{{- if .Values.sync.pull -}}{{- $_ := set $files (printf "%s.target.yml" $name) (include "registry.targetConfiguration" .) -}}{{- end -}}
{{- $files | toYaml -}}
{{- end -}}

{{/* What names a cache: the host of its upstream, with everything but letters and digits as dashes. */}}
{{- define "registry.cacheKey" -}}
{{- regexReplaceAll "[^a-z0-9]+" .host "-" -}}
{{- end -}}

{{/* The name of a cache's objects: list CONTEXT CACHE. 52 characters leave room for what Kubernetes appends to a StatefulSet's name in labels. */}}
{{- define "registry.cacheName" -}}
{{- printf "%s-%s" (include "registry.fullname" (index . 0)) (include "registry.cacheKey" (index . 1)) | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{/* The values of a cache, over those of the registry: list CONTEXT CACHE. */}}
{{- define "registry.cacheValues" -}}
{{- $root := index . 0 -}}
{{- $cache := index . 1 -}}
{{- $storage := $root.Values.pullThrough.storage -}}
{{- $credentials := mergeOverwrite (dict "secretName" "" "usernameKey" "username" "passwordKey" "password") (default dict $cache.credentials) -}}
{{- dict
  "replicas" (int $root.Values.pullThrough.replicas)
  "storage" (dict "type" $storage.type "size" (default $storage.size $cache.size) "storageClassName" $storage.storageClassName)
  "pullThrough" (dict "enabled" true "upstream" $cache.remoteURL "ttl" (default "" $cache.ttl) "credentials" $credentials)
  "garbageCollection" (dict "enabled" false)
  | toYaml -}}
{{- end -}}

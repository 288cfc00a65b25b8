{{- define "registry.testName" -}}
{{- include "registry.fullname" . }}-test
{{- end -}}

{{- define "registry.testSelector" -}}
{{ include "registry.instanceSelector" . }}
app.kubernetes.io/component: test
{{- end -}}

{{/* curl's arguments. A moment may pass until a Service leads to pods that just became ready. With logins /v2/ is refused to strangers, and / is not. */}}
{{- define "registry.testArguments" -}}
{{- $path := ternary "/" "/v2/" (not (empty .Values.auth.htpasswd.secretName)) -}}
{{- $pull := include "registry.serviceHost" (list . (include "registry.fullname" .)) -}}
{{- $push := include "registry.serviceHost" (list . (include "registry.primaryName" .)) -}}
{{- $addresses := list (printf "https://%s:%d%s" $pull (int .Values.service.port) $path) (printf "https://%s:%d%s" $push (int .Values.primaryService.port) $path) -}}
{{- range .Values.pullThrough.upstreams -}}
{{- $addresses = append $addresses (printf "https://%s:%d/" $pull (int .port)) -}}
{{- end -}}
{{- concat (list "--cacert" "/etc/registry/tls/ca.crt" "--fail" "--fail-early" "--silent" "--show-error" "--retry" "5" "--retry-connrefused" "--max-time" "30") $addresses | toYaml -}}
{{- end -}}

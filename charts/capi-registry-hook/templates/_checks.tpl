{{/* What a schema can't say: values that only make sense together. Every sentence names the value and the remedy. */}}
{{- define "capi-registry-hook.check" -}}
{{- $v := .Values -}}
{{- if and (eq $v.certificate.mode "selfManaged") $v.extensionConfig.caBundle -}}
{{- fail "extensionConfig.caBundle can't follow the authority of certificate.mode selfManaged: leave it empty, and Cluster API takes it over by itself." -}}
{{- end -}}
{{- if and (ne $v.certificate.mode "selfManaged") $v.certificate.selfManaged.extraNames -}}
{{- fail (printf "certificate.selfManaged.extraNames has no effect with certificate.mode %s: set the mode to selfManaged, or leave the names empty." $v.certificate.mode) -}}
{{- end -}}
{{- if and (eq $v.certificate.mode "existingSecret") (not $v.certificate.existingSecret) -}}
{{- fail "certificate.existingSecret is empty: name the Secret with tls.crt, tls.key and ca.crt, or set certificate.mode to certManager." -}}
{{- end -}}
{{- if and (ne $v.certificate.mode "existingSecret") $v.certificate.existingSecret -}}
{{- fail (printf "certificate.existingSecret is %s, but certificate.mode is %s: set the mode to existingSecret, or leave the name empty." $v.certificate.existingSecret $v.certificate.mode) -}}
{{- end -}}
{{- if and $v.certificate.certManager.issuerRef (not $v.certificate.certManager.issuerRef.name) -}}
{{- fail "certificate.certManager.issuerRef has no name: name the Issuer or ClusterIssuer, or leave issuerRef empty for a CA of its own." -}}
{{- end -}}
{{- if and $v.registry.chart.caSecret (not $v.registry.chart.repository) -}}
{{- fail "registry.chart.caSecret needs registry.chart.repository: the service's own repository is verified by its serving Secret." -}}
{{- end -}}
{{- if and $v.metrics.enabled (eq (int $v.listen.port) (int $v.listen.metricsPort)) -}}
{{- fail (printf "listen.metricsPort is %d, which listen.port is too: choose another port." (int $v.listen.port)) -}}
{{- end -}}
{{- if and $v.metrics.enabled (eq (int $v.service.port) (int $v.service.metricsPort)) -}}
{{- fail (printf "service.metricsPort is %d, which service.port is too: choose another port." (int $v.service.port)) -}}
{{- end -}}
{{- range $name := list "serviceMonitor" "prometheusRule" "dashboard" -}}
{{- if and (index $v.metrics $name).enabled (not $v.metrics.enabled) -}}
{{- fail (printf "metrics.%s.enabled needs metrics.enabled: set it to true too." $name) -}}
{{- end -}}
{{- end -}}
{{- range $field := list "loadBalancerIP" "loadBalancerSourceRanges" -}}
{{- if and (index $v.service $field) (ne $v.service.type "LoadBalancer") -}}
{{- fail (printf "service.%s needs service.type LoadBalancer, but it is %s: set the type, or leave the value empty." $field $v.service.type) -}}
{{- end -}}
{{- end -}}
{{- if and $v.service.externalTrafficPolicy (eq $v.service.type "ClusterIP") -}}
{{- fail "service.externalTrafficPolicy is for the types NodePort and LoadBalancer, but service.type is ClusterIP: set the type, or leave the value empty." -}}
{{- end -}}
{{- if and $v.clientAuthentication.names (not $v.clientAuthentication.caSecret) -}}
{{- fail "clientAuthentication.names needs clientAuthentication.caSecret: name the Secret with the authority that vouches for them." -}}
{{- end -}}
{{- if and $v.management.kubeconfig.context (not $v.management.kubeconfig.secretName) -}}
{{- fail "management.kubeconfig.context needs management.kubeconfig.secretName: name the Secret with the kubeconfig." -}}
{{- end -}}
{{- if and $v.autoEnable.enabled $v.management.kubeconfig.secretName -}}
{{- fail "autoEnable.enabled needs the service in the management cluster, whose API server calls it: leave management.kubeconfig.secretName empty, or disable autoEnable." -}}
{{- end -}}
{{- if and $v.autoEnable.enabled $v.networkPolicy.enabled $v.networkPolicy.from (not $v.networkPolicy.apiServers) -}}
{{- fail "autoEnable.enabled needs networkPolicy.apiServers, or the API servers can't reach the webhook and no Cluster gets a registry: list their addresses, or set networkPolicy.enabled to false." -}}
{{- end -}}
{{- if and $v.management.kubeconfig.secretName (or $v.rbac.create $v.extensionConfig.enabled) -}}
{{- fail "management.kubeconfig.secretName names another cluster than this: set rbac.create and extensionConfig.enabled to false, and give the rights and the ExtensionConfig there." -}}
{{- end -}}
{{- end -}}

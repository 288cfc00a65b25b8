{{/* What a schema can't say: values that only make sense together. Every sentence names the value and the remedy. */}}
{{- define "registry.check" -}}
{{- $v := .Values -}}
{{- $shared := not (include "registry.privateStorage" .) -}}
{{- $several := gt (int $v.replicas) 1 -}}
{{- if not $v.tls.secretName -}}
{{- fail "tls.secretName is empty: name the Secret with tls.crt, tls.key and ca.crt of the registry." -}}
{{- end -}}
{{- if and (eq $v.storage.type "pvc") (not $v.storage.size) -}}
{{- fail "storage.size is empty: set the size of a replica's volume, such as 50Gi." -}}
{{- end -}}
{{- if and (eq $v.storage.type "existingClaim") (not $v.storage.existingClaim.claimName) -}}
{{- fail "storage.existingClaim.claimName is empty: name the claim to mount, or choose another storage.type." -}}
{{- end -}}
{{- if and (eq $v.storage.type "hostPath") (not $v.storage.hostPath.path) -}}
{{- fail "storage.hostPath.path is empty: set a folder of the nodes, or choose another storage.type." -}}
{{- end -}}
{{- if and (eq $v.storage.type "nfs") (not (and $v.storage.nfs.server $v.storage.nfs.path)) -}}
{{- fail "storage.nfs needs both server and path: set them, or choose another storage.type." -}}
{{- end -}}
{{- if and (eq $v.storage.type "s3") (not (and $v.storage.s3.bucket $v.storage.s3.region)) -}}
{{- fail "storage.s3 needs both bucket and region: set them, or choose another storage.type." -}}
{{- end -}}
{{- if and $shared $several (not $v.pullThrough.enabled) (not $v.httpSecret.secretName) -}}
{{- fail (printf "httpSecret.secretName is empty, but %d replicas share the storage %s: name a Secret with a random text in its key %s, so that any replica can go on with an upload." (int $v.replicas) $v.storage.type $v.httpSecret.key) -}}
{{- end -}}
{{- if and $v.pullThrough.enabled (not $v.pullThrough.upstream) -}}
{{- fail "pullThrough.upstream is empty: set the URL of the registry to cache, such as https://registry-1.docker.io." -}}
{{- end -}}
{{- if and $v.pullThrough.enabled $shared $several -}}
{{- fail (printf "pullThrough.enabled needs private storage, but %d replicas share the storage %s and would expire each other's images: set replicas to 1 or storage.type to pvc." (int $v.replicas) $v.storage.type) -}}
{{- end -}}
{{- if and $v.pullThrough.enabled $v.garbageCollection.enabled -}}
{{- fail "garbageCollection.enabled can't be used with pullThrough.enabled: a cache removes images itself when pullThrough.ttl is over; set one of them to false." -}}
{{- end -}}
{{- if and $v.garbageCollection.enabled (eq $v.storage.type "emptyDir") -}}
{{- fail "garbageCollection.enabled can't be used with storage.type emptyDir: collecting restarts the pods, which empties their volumes; set it to false or choose another storage.type." -}}
{{- end -}}
{{- if and $v.ingress.enabled (not $v.ingress.hosts) -}}
{{- fail "ingress.hosts is empty: list the host names that the Ingress answers to." -}}
{{- end -}}
{{- if and $v.gateway.enabled (not (and $v.gateway.hosts $v.gateway.parentRefs)) -}}
{{- fail "gateway.enabled needs gateway.parentRefs and gateway.hosts: name the gateway and the host names that lead to the registry." -}}
{{- end -}}
{{- if and $v.gateway.enabled (eq $v.gateway.kind "HTTPRoute") (not $v.gateway.backendCA.name) -}}
{{- fail "gateway.backendCA.name is empty, and a gateway that ends TLS would speak plain HTTP to the registry: name the object whose key ca.crt verifies it, or set gateway.kind to TLSRoute." -}}
{{- end -}}
{{- if and $v.metrics.serviceMonitor.enabled (not $v.metrics.enabled) -}}
{{- fail "metrics.serviceMonitor.enabled needs metrics.enabled: set it to true too." -}}
{{- end -}}
{{- range $name := list "service" "primaryService" -}}
{{- $service := index $v $name -}}
{{- if and (eq $service.type "ClusterIP") (gt (int $service.nodePort) 0) -}}
{{- fail (printf "%s.nodePort is %d, but %s.type is ClusterIP: set the type to NodePort, or the port to 0." $name (int $service.nodePort) $name) -}}
{{- end -}}
{{- range $field := list "loadBalancerIP" "loadBalancerSourceRanges" -}}
{{- if and (index $service $field) (ne $service.type "LoadBalancer") -}}
{{- fail (printf "%s.%s needs %s.type LoadBalancer, but it is %s: set the type, or leave the value empty." $name $field $name $service.type) -}}
{{- end -}}
{{- end -}}
{{- if and $service.externalTrafficPolicy (eq $service.type "ClusterIP") -}}
{{- fail (printf "%s.externalTrafficPolicy is for the types NodePort and LoadBalancer, but %s.type is ClusterIP: set the type, or leave the value empty." $name $name) -}}
{{- end -}}
{{- if and (gt (len (default list $service.clusterIPs)) 1) (eq $service.ipFamilyPolicy "SingleStack") -}}
{{- fail (printf "%s.clusterIPs has %d addresses, but %s.ipFamilyPolicy is SingleStack: set it to PreferDualStack or RequireDualStack, or keep one address." $name (len $service.clusterIPs) $name) -}}
{{- end -}}
{{- end -}}
{{- if and $v.networkPolicy.from (not $v.networkPolicy.nodeCIDRs) -}}
{{- fail "networkPolicy.from without networkPolicy.nodeCIDRs would lock out the nodes, which pull: list the nodes' networks there too." -}}
{{- end -}}
{{- if and (eq $v.storage.type "gcs") (not $v.storage.gcs.bucket) -}}
{{- fail "storage.gcs.bucket is empty: name the bucket, or choose another storage.type." -}}
{{- end -}}
{{- if and (eq $v.storage.type "azure") (not (and $v.storage.azure.accountName $v.storage.azure.container)) -}}
{{- fail "storage.azure needs both accountName and container: set them, or choose another storage.type." -}}
{{- end -}}
{{- if and (eq $v.storage.type "azure") (not $v.storage.azure.credentials.secretName) (eq (include "registry.majorVersion" .) "2") -}}
{{- fail "storage.azure.credentials.secretName is empty, but CNCF Distribution 2 knows account keys only: name a Secret with one, or use version 3." -}}
{{- end -}}
{{- if and (eq $v.storage.type "s3") (not $v.storage.s3.credentials.secretName) (index (default dict $v.serviceAccount.annotations) "eks.amazonaws.com/role-arn") (eq (include "registry.majorVersion" .) "2") -}}
{{- fail "The role of the ServiceAccount (eks.amazonaws.com/role-arn) is not used by CNCF Distribution 2: set storage.s3.credentials.secretName, or use version 3." -}}
{{- end -}}
{{- if and $v.garbageCollection.enabled $v.garbageCollection.deleteUntagged (ne (include "registry.majorVersion" .) "3") -}}
{{- fail "garbageCollection.deleteUntagged destroys tagged multi-platform images with CNCF Distribution 2, and the image is not known to be version 3: set image.version to its version, or deleteUntagged to false." -}}
{{- end -}}
{{- if and $v.garbageCollection.enabled $v.garbageCollection.deleteUntagged (include "registry.objectStorage" .) -}}
{{- fail (printf "garbageCollection.deleteUntagged can't be used with storage.type %s: one repository that was only pushed to by digest makes every collection fail, and a bucket has no folders to mend that; set it to false." $v.storage.type) -}}
{{- end -}}
{{- if and $v.pullThrough.enabled (or $v.sync.sources $v.sync.pull) -}}
{{- fail "sync.sources and sync.pull can't be used with pullThrough.enabled: nobody can write to a cache; leave them empty and false." -}}
{{- end -}}
{{- if ge (int $v.sync.primary) (int $v.replicas) -}}
{{- fail (printf "sync.primary is %d, but there are %d replicas, counted from 0: name one of them." (int $v.sync.primary) (int $v.replicas)) -}}
{{- end -}}
{{- if and (default dict $v.metrics.dashboard).enabled (not $v.metrics.enabled) -}}
{{- fail "metrics.dashboard.enabled needs metrics.enabled: set it to true too." -}}
{{- end -}}
{{- if and $v.metrics.prometheusRule.enabled (not $v.metrics.enabled) -}}
{{- fail "metrics.prometheusRule.enabled needs metrics.enabled: set it to true too." -}}
{{- end -}}
{{- $names := list -}}
{{- range include "registry.servingEnvironment" . | fromYamlArray -}}{{- $names = append $names .name -}}{{- end -}}
{{- range $v.extraEnv -}}
{{- if has .name $names -}}
{{- fail (printf "extraEnv sets %s, which this chart sets too: remove it and use the value that it comes from." .name) -}}
{{- end -}}
{{- end -}}
{{- include "registry.checkCaches" . -}}
{{- end -}}

{{/* Each cache needs an upstream, a port and objects of its own. */}}
{{- define "registry.checkCaches" -}}
{{- $ports := list (int .Values.service.port) -}}
{{- $names := list -}}
{{- range .Values.pullThrough.upstreams -}}
{{- $name := include "registry.cacheName" (list $ .) -}}
{{- if has (int .port) $ports -}}
{{- fail (printf "pullThrough.upstreams: the port %d of %s is taken by the registry or another cache: give it a port of its own." (int .port) .host) -}}
{{- end -}}
{{- if has $name $names -}}
{{- fail (printf "pullThrough.upstreams: %s and another cache would both be called %s: keep one of them." .host $name) -}}
{{- end -}}
{{- $ports = append $ports (int .port) -}}
{{- $names = append $names $name -}}
{{- end -}}
{{- end -}}

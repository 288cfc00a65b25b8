{{- define "registry.statefulSet" -}}
{{- $synced := include "registry.synced" . -}}
{{- $collection := include "registry.collection" . -}}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  {{- include "registry.metadata" (list . (include "registry.fullname" .)) | nindent 2 }}
spec:
  replicas: {{ int .Values.replicas }}
  serviceName: {{ include "registry.headlessName" . | quote }}
  # A replica must come back also while another one can't; updates go one by one all the same.
  podManagementPolicy: Parallel
  updateStrategy: {type: RollingUpdate}
  revisionHistoryLimit: 3
  {{- if semverCompare ">=1.22.0-0" .Capabilities.KubeVersion.Version }}
  minReadySeconds: {{ int .Values.minReadySeconds }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "registry.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "registry.selector" . | nindent 8 }}
        {{- with .Values.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      annotations:
        # Neither program reads its configuration or its certificates again, so a change has to roll the pods.
        capi-registry-hook.io/certificate-serial: {{ .Values.tls.certificateSerial | quote }}
        checksum/configuration: {{ include "registry.configuration" . | sha256sum }}
        {{- if $synced }}
        checksum/sync: {{ printf "%s%s" (include "registry.syncFiles" .) (include "registry.syncScript" .) | sha256sum }}
        {{- end }}
        {{- with .Values.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      {{- include "registry.placement" . | nindent 6 }}
      serviceAccountName: {{ include "registry.serviceAccountName" . | quote }}
      automountServiceAccountToken: false
      terminationGracePeriodSeconds: {{ add (int .Values.drain.delaySeconds) (int .Values.drain.timeoutSeconds) 5 }}
      affinity:
        {{- if .Values.affinity }}
        {{- toYaml .Values.affinity | nindent 8 }}
        {{- else }}
        podAntiAffinity:
          {{- include "registry.antiAffinity" . | nindent 10 }}
        {{- end }}
      {{- if .Values.topologySpreadConstraints }}
      topologySpreadConstraints:
        {{- toYaml .Values.topologySpreadConstraints | nindent 8 }}
      {{- else }}
      topologySpreadConstraints:
        - topologyKey: topology.kubernetes.io/zone
          maxSkew: 1
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              {{- include "registry.selector" . | nindent 14 }}
      {{- end }}
      {{- if or (include "registry.prepares" .) (eq $collection "restart") .Values.extraInitContainers }}
      initContainers:
        {{- if include "registry.prepares" . }}
        {{- include "registry.prepareFolder" . | nindent 8 }}
        {{- end }}
        {{- if eq $collection "restart" }}
        {{- include "registry.collectBeforeServing" . | nindent 8 }}
        {{- end }}
        {{- /* Last: the garbage collection finds its own container by its place. */}}
        {{- with .Values.extraInitContainers }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- end }}
      containers:
        - name: registry
          image: {{ include "registry.imageReference" (list . .Values.image) | quote }}
          imagePullPolicy: {{ .Values.image.pullPolicy }}
          {{- if eq $collection "window" }}
          command:
            - /bin/sh
            - -c
            - |
              {{- include "registry.serveScript" . | nindent 14 }}
          {{- else }}
          args: [serve, /etc/distribution/config.yml]
          {{- end }}
          env:
            {{- include "registry.servingEnvironment" . | nindent 12 }}
            {{- with .Values.extraEnv }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          {{- with .Values.extraEnvFrom }}
          envFrom:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          ports:
            - {name: {{ include "registry.portName" . }}, containerPort: 5000, protocol: TCP}
            {{- if .Values.metrics.enabled }}
            - {name: metrics, containerPort: 5001, protocol: TCP}
            {{- end }}
          startupProbe:
            {{- include "registry.probe.serving" (list . .Values.probes.startup) | nindent 12 }}
          readinessProbe:
            {{- include "registry.probe.healthy" (list . .Values.probes.readiness) | nindent 12 }}
          livenessProbe:
            {{- include "registry.probe.healthy" (list . .Values.probes.liveness) | nindent 12 }}
          {{- include "registry.drain" . | nindent 10 }}
          securityContext:
            {{- toYaml .Values.containerSecurityContext | nindent 12 }}
          {{- with .Values.resources }}
          resources:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          volumeMounts:
            {{- include "registry.mounts" . | nindent 12 }}
            - name: tls
              mountPath: /etc/registry/tls
              readOnly: true
            {{- if .Values.auth.htpasswd.secretName }}
            - name: auth
              mountPath: /etc/registry/auth
              readOnly: true
            {{- end }}
            {{- with .Values.extraVolumeMounts }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
        {{- if $synced }}
        {{- include "registry.syncContainer" . | nindent 8 }}
        {{- end }}
        {{- if include "registry.guarded" . }}
        {{- include "registry.guardContainer" . | nindent 8 }}
        {{- end }}
        {{- with .Values.extraContainers }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      volumes:
        {{- include "registry.volumes" . | nindent 8 }}
        - name: tls
          secret:
            secretName: {{ .Values.tls.secretName | quote }}
            defaultMode: 0440
            items: [{key: tls.crt, path: tls.crt}, {key: tls.key, path: tls.key}]
        {{- with .Values.auth.htpasswd.secretName }}
        - name: auth
          secret:
            secretName: {{ . | quote }}
            defaultMode: 0440
            items: [{key: htpasswd, path: htpasswd}]
        {{- end }}
        {{- if $synced }}
        - name: sync
          configMap:
            name: {{ include "registry.syncName" . | quote }}
        - name: sync-work
          emptyDir: {}
        # The private key stays with the registry.
        - name: sync-tls
          secret:
            secretName: {{ .Values.tls.secretName | quote }}
            items: [{key: ca.crt, path: ca.crt}]
        {{- with .Values.auth.htpasswd.secretName }}
        - name: sync-auth
          secret:
            secretName: {{ . | quote }}
            defaultMode: 0440
            items: [{key: username, path: username}, {key: password, path: password}]
        {{- end }}
        {{- with include "registry.sourceSecrets" . }}
        - name: sync-sources
          projected:
            defaultMode: 0440
            sources:
              {{- . | nindent 14 }}
        {{- end }}
        {{- if .Values.sync.pull }}
        # Not there while nothing is fetched.
        - name: sync-declared
          secret: {secretName: {{ include "registry.sourcesName" . | quote }}, optional: true, defaultMode: 0440}
        {{- end }}
        {{- end }}
        {{- with .Values.extraVolumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  {{- if eq .Values.storage.type "pvc" }}
  volumeClaimTemplates:
    - apiVersion: v1
      kind: PersistentVolumeClaim
      metadata:
        name: data
        labels:
          {{- include "registry.selector" . | nindent 10 }}
        {{- with .Values.storage.annotations }}
        annotations:
          {{- toYaml . | nindent 10 }}
        {{- end }}
      spec:
        accessModes:
          {{- toYaml .Values.storage.accessModes | nindent 10 }}
        {{- with .Values.storage.storageClassName }}
        storageClassName: {{ . | quote }}
        {{- end }}
        resources:
          requests:
            storage: {{ .Values.storage.size | quote }}
  {{- end }}
{{- end -}}

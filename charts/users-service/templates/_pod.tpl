{{/* The pods of the service's own processes. */}}

{{/* Whole seconds, rounded up. */}}
{{- define "users-service.seconds" -}}
{{- div (add . 999) 1000 }}
{{- end }}

{{/*
The one place where the times of an end are added up: preStop, then draining, then the grace time, and five seconds so that
the process itself is the one who ends it. Given: shutdown.
*/}}
{{- define "users-service.termination-seconds" -}}
{{- $preStop := default 0 .preStopSeconds | int }}
{{- $drain := include "users-service.seconds" (default 0 .drainMs | int) | int }}
{{- $grace := include "users-service.seconds" (.graceMs | int) | int }}
{{- add $preStop $drain $grace 5 }}
{{- end }}

{{/* For every container, whatever runs in it. */}}
{{- define "users-service.container-security" -}}
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
privileged: false
readOnlyRootFilesystem: true
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
{{- end }}

{{/* For every pod. Given: a root. */}}
{{- define "users-service.pod-security" -}}
automountServiceAccountToken: false
# Else Kubernetes would set a variable for every Service of the namespace: one called `metrics` makes a METRICS_PORT.
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- with .Values.scheduling.nodeSelector }}
nodeSelector: {{ toJson . }}
{{- end }}
{{- with .Values.scheduling.tolerations }}
tolerations: {{ toJson . }}
{{- end }}
{{- with .Values.scheduling.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- end }}

{{/*
Apart over nodes, and then over zones. Within one revision only (matchLabelKeys): else a rollout would need a node more than
there are replicas. Given: root, component, required (whether two on one node are out of the question).
*/}}
{{- define "users-service.spread" -}}
{{- $apart := dict "labelSelector" (dict "matchLabels" (include "users-service.selector" . | fromYaml)) "matchLabelKeys" (list "pod-template-hash") }}
{{- $nodes := merge (dict "topologyKey" "kubernetes.io/hostname") $apart }}
{{- $zones := merge (dict "topologyKey" "topology.kubernetes.io/zone") $apart }}
affinity:
  podAntiAffinity:
    {{- if .required }}
    requiredDuringSchedulingIgnoredDuringExecution:
      - {{ toJson $nodes }}
    {{- end }}
    preferredDuringSchedulingIgnoredDuringExecution:
      {{- if not .required }}
      - {{ dict "weight" 100 "podAffinityTerm" $nodes | toJson }}
      {{- end }}
      - {{ dict "weight" 50 "podAffinityTerm" $zones | toJson }}
topologySpreadConstraints:
  - {{ merge (dict "topologyKey" "topology.kubernetes.io/zone" "maxSkew" 1 "whenUnsatisfiable" "ScheduleAnyway") $apart | toJson }}
  {{- if not .required }}
  - {{ merge (dict "topologyKey" "kubernetes.io/hostname" "maxSkew" 1 "whenUnsatisfiable" "ScheduleAnyway") $apart | toJson }}
  {{- end }}
{{- end }}

{{/*
The template of a Deployment's pods. Given: root, component, args, values (the component's), and of the API `http`.
A worker's probes ask for its metrics, which are served before anything else is connected to: they tell that the process
turns, and nothing of Redis, the database or the brokers, which no restart would mend: also while it waits for these at its start. Nobody is sent to a worker, so there is
nothing for it to be ready for.
*/}}
{{- define "users-service.pod" -}}
{{- $root := .root }}
metadata:
  labels:
    {{- include "users-service.labels" . | nindent 4 }}
  annotations:
    # New settings, new pods: nothing reads them again while it runs.
    checksum/settings: {{ include "users-service.settings" $root | sha256sum }}
    checksum/files: {{ include "users-service.files" $root | sha256sum }}
spec:
  serviceAccountName: {{ include "users-service.fullname" $root }}-service
  {{- include "users-service.pod-security" $root | nindent 2 }}
  terminationGracePeriodSeconds: {{ include "users-service.termination-seconds" .values.shutdown }}
  {{- include "users-service.spread" . | nindent 2 }}
  containers:
    - name: {{ .component }}
      image: {{ include "users-service.image" (dict "image" $root.Values.image "fallback" $root.Chart.AppVersion) }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      args: {{ toJson .args }}
      envFrom:
        - configMapRef:
            name: {{ include "users-service.fullname" $root }}-settings
      env:
        {{- include "users-service.env" . | nindent 8 }}
      ports:
        {{- if .http }}
        - name: http
          containerPort: 8080
        {{- end }}
        - name: metrics
          containerPort: {{ $root.Values.monitoring.port }}
      {{- include "users-service.probes" (ternary (dict "live" "/health/live" "ready" "/health/ready" "port" "http") (dict "live" "/health/live" "ready" "" "port" "metrics") .http) | nindent 6 }}
      {{- if .http }}
      lifecycle:
        preStop:
          sleep:
            seconds: {{ .values.shutdown.preStopSeconds }}
      {{- end }}
      resources: {{ toJson .values.resources }}
      securityContext:
        {{- include "users-service.container-security" . | nindent 8 }}
      volumeMounts:
        {{- include "users-service.mounts" $root | nindent 8 }}
  volumes:
    {{- include "users-service.volumes" (dict "root" $root "files" "files" "secrets" (include "users-service.secrets" $root.Values)) | nindent 4 }}
{{- end }}

{{- define "users-service.env" -}}
{{- if .http -}}
- name: SHUTDOWN_DRAIN_MS
  value: {{ .values.shutdown.drainMs | int | quote }}
{{ end -}}
- name: SHUTDOWN_GRACE_MS
  value: {{ .values.shutdown.graceMs | int | quote }}
- name: NODE_OPTIONS
  value: --max-old-space-size={{ .values.heapMiB }}
{{- if .root.Values.authoritiesSecret.name }}
- name: NODE_EXTRA_CA_CERTS
  value: /run/secrets/users-service/authorities.crt
{{- end }}
{{- include "users-service.redis-env" .root }}
{{- include "users-service.new-relic-env" .root }}
{{- include "users-service.open-telemetry-env" .root }}
{{- with .root.Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* A minute to start; ended after a minute in which it did not turn. Given: live, ready (empty: none), port. */}}
{{- define "users-service.probes" -}}
startupProbe:
  httpGet: {{ dict "path" .live "port" .port | toJson }}
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 30
livenessProbe:
  httpGet: {{ dict "path" .live "port" .port | toJson }}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- with .ready }}
readinessProbe:
  httpGet: {{ dict "path" . "port" $.port | toJson }}
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: 2
{{- end }}
{{- end }}

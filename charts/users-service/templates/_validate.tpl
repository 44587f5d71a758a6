{{/*
What values.schema.json cannot say well: what belongs together. All faults at once, each with the name of the value.
*/}}
{{- define "users-service.validate" -}}
{{- $faults := list }}
{{- range list "needed" "redis" "kafka" "tracing" "ingress" "scaling" "memory" "files" }}
{{- range splitList "\n" (include (printf "users-service.validate-%s" .) $) }}
{{- with trim . }}{{ $faults = append $faults . }}{{ end }}
{{- end }}
{{- end }}
{{- if $faults }}{{ fail (printf "\n- %s" (join "\n- " $faults)) }}{{ end }}
{{- end }}

{{- define "users-service.validate-needed" -}}
{{- $v := .Values }}
{{- if not $v.database.url }}
database.url: needed, ibmdb://user@host:port/database; the embedded database is for one machine only
{{- end }}
{{- if not $v.database.passwordSecret.name }}
database.passwordSecret.name: needed, the secret with the password of the user in database.url
{{- end }}
{{- range $name := list "issuer" "audience" "jwksUrl" }}
{{- if not (get $v.auth $name) }}
auth.{{ $name }}: needed, without an issuer the service listens on its own machine only
{{- end }}
{{- end }}
{{- end }}

{{- define "users-service.validate-redis" -}}
{{- range $path, $r := dict "redis" .Values.redis "redis.jobs" .Values.redis.jobs }}
{{- $given := compact (list $r.external.url $r.external.urlSecret.name) | len }}
{{- if and (regexMatch "^rediss?-sentinel:" $r.external.url) (not (regexMatch "^rediss?-sentinel://[^@/?#\\s]+/[A-Za-z0-9_.-]+$" $r.external.url)) }}
{{ $path }}.external.url: redis-sentinel://host:port,host:port/name of the master, without passwords (they go into {{ $path }}.external.urlSecret)
{{- else if not (regexMatch "^(rediss?://[^@/?#\\s,]+(/[0-9]+)?|rediss?-cluster://[^@/?#\\s]+|rediss?-sentinel://\\S+)?$" $r.external.url) }}
{{ $path }}.external.url: redis://host:port, redis-sentinel://host:port,host:port/name, redis-cluster://host:port,host:port, or rediss…:// of each, without password (that goes into {{ $path }}.external.urlSecret)
{{- end }}
{{- if and (eq $r.kind "external") (ne $given 1) }}
{{ $path }}.external: one of url and urlSecret.name is needed with {{ $path }}.kind external
{{- end }}
{{- if and (ne $r.kind "external") (gt $given 0) }}
{{ $path }}.external: url and urlSecret are for {{ $path }}.kind external, and it is {{ $r.kind }}
{{- end }}
{{- end }}
{{- end }}

{{- define "users-service.validate-tracing" -}}
{{- $o := .Values.openTelemetry }}
{{- if and $o.endpoint .Values.newRelic.licenseKeySecret.name }}
openTelemetry.endpoint: never beside newRelic.licenseKeySecret.name, two agents would report everything twice
{{- end }}
{{- if and $o.headersSecret.name (not $o.endpoint) }}
openTelemetry.headersSecret: headers are for openTelemetry.endpoint, and there is none
{{- end }}
{{- end }}

{{- define "users-service.validate-kafka" -}}
{{- $k := .Values.kafka }}
{{- if and (include "users-service.kafka" .) (not $k.brokers) }}
kafka.brokers: needed with feed.kind {{ .Values.feed.kind }} and feed.events {{ .Values.feed.events }}
{{- end }}
{{- if and (ne $k.sasl "off") (not $k.username) }}
kafka.username: needed with kafka.sasl {{ $k.sasl }}
{{- end }}
{{- if and (ne $k.sasl "off") (not $k.passwordSecret.name) }}
kafka.passwordSecret.name: needed with kafka.sasl {{ $k.sasl }}
{{- end }}
{{- if and (eq $k.sasl "plain") (not $k.tls) }}
kafka.sasl: plain only with kafka.tls, else anybody on the way reads the password
{{- end }}
{{- if and $k.caSecret.name (not $k.tls) }}
kafka.caSecret.name: only with kafka.tls
{{- end }}
{{- if and .Values.feed.eventsPersonalFields (not .Values.feed.events) }}
feed.eventsPersonalFields: only with feed.events
{{- end }}
{{- end }}

{{- define "users-service.validate-ingress" -}}
{{- $i := .Values.ingress }}
{{- if and $i.enabled (not $i.hosts) }}
ingress.hosts: one at least is needed with ingress.enabled
{{- end }}
{{- if and $i.enabled (not .Values.trustedProxies) }}
trustedProxies: the ingress's addresses are needed with ingress.enabled, else all callers have one address for limits and audit
{{- end }}
{{- end }}

{{- define "users-service.validate-scaling" -}}
{{- $a := .Values.api.autoscaling }}
{{- $keda := .Values.projector.keda }}
{{- if gt (int $a.minReplicas) (int $a.maxReplicas) }}
api.autoscaling.minReplicas: not more than api.autoscaling.maxReplicas
{{- end }}
{{- if gt (int $keda.minReplicas) (int $keda.maxReplicas) }}
projector.keda.minReplicas: not more than projector.keda.maxReplicas
{{- end }}
{{- if and $keda.enabled (eq $keda.trigger "kafka") (eq .Values.feed.kind "direct") }}
projector.keda.trigger: kafka only with feed.kind kafka or debezium
{{- end }}
{{- if and $keda.enabled (eq $keda.trigger "prometheus") (not $keda.prometheus.serverAddress) }}
projector.keda.prometheus.serverAddress: needed with projector.keda.trigger prometheus
{{- end }}
{{- if le (int .Values.api.shutdown.graceMs) (int .Values.api.shutdown.drainMs) }}
api.shutdown.graceMs: more than api.shutdown.drainMs, which it includes
{{- end }}
{{- end }}

{{- define "users-service.validate-memory" -}}
{{- range $name := list "api" "projector" "jobs" "relay" }}
{{- $c := get $.Values $name }}
{{- if gt (mul $c.heapMiB 10 | int) (mul (include "users-service.mebibytes" $c.resources.limits.memory | int) 7 | int) }}
{{ $name }}.heapMiB: at most 70 % of {{ $name }}.resources.limits.memory; the rest is for buffers and the driver's processes
{{- end }}
{{- end }}
{{- $b := .Values.redis.bundled }}
{{- range $path, $c := dict "api" .Values.api "projector" .Values.projector "jobs" .Values.jobs "relay" .Values.relay "redis.bundled" $b "redis.bundled.sentinel" $b.sentinel "redis.jobs" .Values.redis.jobs }}
{{- range $what, $requested := $c.resources.requests }}
{{- $measure := ternary "users-service.millicores" "users-service.mebibytes" (eq $what "cpu") }}
{{- if gt (include $measure $requested | int) (include $measure (get $c.resources.limits $what) | int) }}
{{ $path }}.resources.requests.{{ $what }}: not more than {{ $path }}.resources.limits.{{ $what }}
{{- end }}
{{- end }}
{{- end }}
{{- range $path, $c := dict "redis.bundled" $b "redis.jobs" .Values.redis.jobs }}
{{- if gt (mul $c.maxMemoryMiB 2 | int) (include "users-service.mebibytes" $c.resources.limits.memory | int) }}
{{ $path }}.maxMemoryMiB: at most half of {{ $path }}.resources.limits.memory
{{- end }}
{{- end }}
{{- if and (gt (int $b.replicas) 0) $b.persistence.enabled }}
redis.bundled.persistence.enabled: only with redis.bundled.replicas 0; what a pod has lost, it has again from the others
{{- end }}
{{- if and (gt (int $b.replicas) 0) (lt (include "users-service.mebibytes" (get $b.resources.limits "ephemeral-storage") | int) (add $b.maxMemoryMiB 128 | int)) }}
redis.bundled.resources.limits.ephemeral-storage: with redis.bundled.replicas 128Mi more than maxMemoryMiB at least; a replica that has fallen behind writes there what the master gives it
{{- end }}
{{- end }}

{{- define "users-service.validate-files" -}}
{{- if and .Values.monitoring.rules.enabled (not (.Files.Get "files/alerts.yaml")) }}
monitoring.rules.enabled: this chart holds no files/alerts.yaml
{{- end }}
{{- if and .Values.monitoring.dashboard.enabled (not (.Files.Get "files/dashboard.json")) }}
monitoring.dashboard.enabled: this chart holds no files/dashboard.json
{{- end }}
{{- end }}

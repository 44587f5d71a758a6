{{/* What processes are told by their environment, but for what is secret. Names are those of docs/configuration.md. */}}

{{- define "users-service.settings" -}}
{{- $v := .Values }}
{{- $s := dict "HOST" $v.service.listen "PORT" "8080" "METRICS_PORT" $v.monitoring.port }}
{{- $_ := set $s "DATABASE_URL" (include "users-service.database-url" .) }}
{{- $_ := set $s "DATABASE_PASSWORD_FILE" "/run/secrets/users-service/database-password" }}
{{- if $v.database.mapping }}{{ $_ := set $s "DATABASE_MAPPING" "/etc/users-service/mapping.json" }}{{ end }}
{{- $_ := set $s "REDIS_PARTITIONS" $v.redis.partitions }}
{{- $_ := set $s "AUTH_ISSUER" $v.auth.issuer }}
{{- $_ := set $s "AUTH_AUDIENCE" $v.auth.audience }}
{{- $_ := set $s "AUTH_JWKS_URL" $v.auth.jwksUrl }}
{{- $_ := set $s "FEED" $v.feed.kind }}
{{- $_ := set $s "EVENTS" (ternary "on" "off" $v.feed.events) }}
{{- if $v.feed.eventsPersonalFields }}{{ $_ := set $s "EVENTS_PERSONAL_FIELDS" (join "," $v.feed.eventsPersonalFields) }}{{ end }}
{{- if include "users-service.kafka" . }}{{ include "users-service.kafka-settings" (dict "kafka" $v.kafka "into" $s) }}{{ end }}
{{- if $v.neighbours.branchesUrl }}{{ $_ := set $s "BRANCHES_URL" $v.neighbours.branchesUrl }}{{ end }}
{{- if $v.neighbours.peopleUrl }}{{ $_ := set $s "PEOPLE_URL" $v.neighbours.peopleUrl }}{{ end }}
{{- if $v.legacy.url }}{{ $_ := set $s "LEGACY_URL" $v.legacy.url }}{{ end }}
{{- $_ := set $s "LEGACY_TOKENS" $v.legacy.tokens }}
{{- if $v.legacy.modes }}{{ $_ := set $s "STRANGLER_MODES" "/etc/users-service/strangler-modes.json" }}{{ end }}
{{- if $v.trustedProxies }}{{ $_ := set $s "TRUSTED_PROXIES" (join "," $v.trustedProxies) }}{{ end }}
{{- range $name, $value := $v.settings }}{{ $_ := set $s $name (include "users-service.plain" $value) }}{{ end }}
{{- range $name, $value := $s }}
{{ $name }}: {{ toString $value | quote }}
{{- end }}
{{- end }}

{{/* A number as the environment has it: Helm reads large ones as 1.34e+08. */}}
{{- define "users-service.plain" -}}
{{- if kindIs "float64" . }}{{ printf "%.0f" . }}{{ else }}{{ toString . }}{{ end }}
{{- end }}

{{- define "users-service.database-url" -}}
{{- $d := .Values.database }}
{{- if $d.certificateSecret.name }}
{{- printf "%s?certificate=/run/secrets/users-service/database-ca.crt" $d.url }}
{{- else }}
{{- $d.url }}{{ if $d.tls }}?tls=on{{ end }}
{{- end }}
{{- end }}

{{- define "users-service.kafka-settings" -}}
{{- $_ := set .into "KAFKA_BROKERS" (join "," .kafka.brokers) }}
{{- $_ := set .into "KAFKA_TLS" (ternary "on" "off" .kafka.tls) }}
{{- $_ := set .into "KAFKA_SASL" .kafka.sasl }}
{{- if .kafka.caSecret.name }}{{ $_ := set .into "KAFKA_CA_FILE" "/run/secrets/users-service/kafka-ca.crt" }}{{ end }}
{{- if ne .kafka.sasl "off" }}
{{- $_ := set .into "KAFKA_USERNAME" .kafka.username }}
{{- $_ := set .into "KAFKA_PASSWORD_FILE" "/run/secrets/users-service/kafka-password" }}
{{- end }}
{{- end }}

{{/* Files that are no secrets. */}}
{{- define "users-service.files" -}}
{{- with .Values.database.mapping }}
mapping.json: {{ toJson . | quote }}
{{- end }}
{{- with .Values.legacy.modes }}
strangler-modes.json: {{ toJson . | quote }}
{{- end }}
{{- end }}

{{/* Where the two Redis are. A password that Kubernetes puts in with $(…) has to stand before the URL. */}}
{{- define "users-service.redis-env" -}}
{{- $name := include "users-service.fullname" . }}
{{- $r := .Values.redis }}
{{- if or (eq $r.kind "bundled") (eq $r.jobs.kind "bundled") }}
- name: REDIS_PASSWORD
  valueFrom:
    secretKeyRef: {{ include "users-service.redis-password" . }}
{{- end }}
{{- if eq $r.kind "bundled" }}
- name: REDIS_URL
{{- if include "users-service.sentinels" . }}
  value: redis-sentinel://users-service:$(REDIS_PASSWORD)@{{ include "users-service.redis-sentinels" . | fromJsonArray | join "," }}/users?sentinelPassword=$(REDIS_PASSWORD)
{{- else }}
  value: redis://users-service:$(REDIS_PASSWORD)@{{ $name }}-redis:6379
{{- end }}
{{- else }}
{{ include "users-service.redis-external" (dict "variable" "REDIS_URL" "external" $r.external) }}
{{- end }}
{{- if eq $r.jobs.kind "bundled" }}
- name: JOBS_REDIS_URL
  value: redis://users-service:$(REDIS_PASSWORD)@{{ $name }}-redis-jobs:6379
{{- else if eq $r.jobs.kind "external" }}
{{ include "users-service.redis-external" (dict "variable" "JOBS_REDIS_URL" "external" $r.jobs.external) }}
{{- end }}
{{- end }}

{{- define "users-service.redis-external" -}}
- name: {{ .variable }}
{{- if .external.urlSecret.name }}
  valueFrom:
    secretKeyRef: {{ dict "name" .external.urlSecret.name "key" .external.urlSecret.key | toJson }}
{{- else }}
  value: {{ .external.url | quote }}
{{- end }}
{{- end }}

{{- define "users-service.redis-password" -}}
{{- $given := .Values.redis.bundled.passwordSecret }}
{{- $own := dict "name" (printf "%s-redis" (include "users-service.fullname" .)) "key" "password" }}
{{- ternary (dict "name" $given.name "key" $given.key) $own (ne $given.name "") | toJson }}
{{- end }}

{{- define "users-service.new-relic-env" -}}
{{- with .Values.newRelic.licenseKeySecret }}
{{- if .name }}
- name: NEW_RELIC_LICENSE_KEY_FILE
  value: /run/secrets/users-service/new-relic-license-key
- name: NEW_RELIC_APP_NAME
  value: {{ $.Values.newRelic.appName | quote }}
- name: NEW_RELIC_PORT
  value: {{ $.Values.newRelic.port | int | quote }}
{{- with $.Values.newRelic.host }}
- name: NEW_RELIC_HOST
  value: {{ . | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "users-service.open-telemetry-env" -}}
{{- with .Values.openTelemetry }}
{{- if .endpoint }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ .endpoint | quote }}
- name: OTEL_SERVICE_NAME
  value: {{ .serviceName | quote }}
{{- with .headersSecret }}
{{- if .name }}
- name: OTEL_EXPORTER_OTLP_HEADERS_FILE
  value: /run/secrets/users-service/open-telemetry-headers
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* What is mounted: a place for temporary files, secrets, and files that are none. */}}

{{- define "users-service.mounts" -}}
- name: tmp
  mountPath: /tmp
- name: secrets
  mountPath: /run/secrets/users-service
  readOnly: true
{{- if include "users-service.files" . }}
- name: files
  mountPath: /etc/users-service
  readOnly: true
{{- end }}
{{- end }}

{{/* Given: root, files (the end of the ConfigMap's name), secrets (sources, as text). */}}
{{- define "users-service.volumes" -}}
- name: tmp
  emptyDir:
    sizeLimit: 256Mi
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- .secrets | nindent 6 }}
{{- if include "users-service.files" .root }}
- name: files
  configMap:
    name: {{ include "users-service.fullname" .root }}-{{ .files }}
{{- end }}
{{- end }}

{{- define "users-service.database-secrets" -}}
{{ include "users-service.secret-file" (dict "secret" .database.passwordSecret "path" "database-password") }}
{{- with .database.certificateSecret }}{{ if .name }}
{{ include "users-service.secret-file" (dict "secret" . "path" "database-ca.crt") }}
{{- end }}{{ end }}
{{- end }}

{{- define "users-service.secrets" -}}
{{ include "users-service.database-secrets" . }}
{{- if and (or (ne .feed.kind "direct") .feed.events) (ne .kafka.sasl "off") }}
{{ include "users-service.secret-file" (dict "secret" .kafka.passwordSecret "path" "kafka-password") }}
{{- end }}
{{- with .authoritiesSecret }}{{ if .name }}
{{ include "users-service.secret-file" (dict "secret" . "path" "authorities.crt") }}
{{- end }}{{ end }}
{{- with .newRelic.licenseKeySecret }}{{ if .name }}
{{ include "users-service.secret-file" (dict "secret" . "path" "new-relic-license-key") }}
{{- end }}{{ end }}
{{- with .openTelemetry.headersSecret }}{{ if .name }}
{{ include "users-service.secret-file" (dict "secret" . "path" "open-telemetry-headers") }}
{{- end }}{{ end }}
{{- if and (or (ne .feed.kind "direct") .feed.events) .kafka.caSecret.name }}
{{ include "users-service.secret-file" (dict "secret" .kafka.caSecret "path" "kafka-ca.crt") }}
{{- end }}
{{- end }}

{{- define "users-service.secret-file" -}}
- secret:
    name: {{ .secret.name | quote }}
    items:
      - key: {{ .secret.key | quote }}
        path: {{ .path }}
{{- end }}

{{/* Names, labels, images. */}}

{{- define "users-service.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 37 | trimSuffix "-" }}
{{- end }}

{{/*
At most 37 characters: the longest suffix is that of the Sentinels, and to a StatefulSet's name its controller adds 11 more
(`-<hash>`, up to ten digits) for a label of each pod, which may have 63.
*/}}
{{- define "users-service.fullname" -}}
{{- $name := include "users-service.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 37 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 37 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* What tells this release's pods from all others. Given: a root. */}}
{{- define "users-service.release-labels" -}}
app.kubernetes.io/name: {{ include "users-service.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* What tells one kind of its pods. Given: root, component. */}}
{{- define "users-service.selector" -}}
{{ include "users-service.release-labels" .root }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* Labels of every object. Given: root, component. */}}
{{- define "users-service.labels" -}}
{{ include "users-service.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: users-service
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end }}

{{/* Name and labels of an object. Given: root, component, and name where it is not the component. */}}
{{- define "users-service.metadata" -}}
name: {{ include "users-service.fullname" .root }}-{{ default .component .name }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "users-service.labels" . | nindent 2 }}
{{- end }}

{{/* By digest where there is one. Given: image, tag to fall back to. */}}
{{- define "users-service.image" -}}
{{- if .image.digest }}
{{- printf "%s@%s" .image.repository .image.digest }}
{{- else }}
{{- printf "%s:%s" .image.repository (default .fallback .image.tag | toString) }}
{{- end }}
{{- end }}

{{/* `yes`, or nothing: whether relays have something to publish. */}}
{{- define "users-service.relays" -}}
{{- if or (eq .Values.feed.kind "kafka") .Values.feed.events }}yes{{ end }}
{{- end }}

{{/* `yes`, or nothing: whether the Redis of the read models is bundled with replicas, and Sentinels beside it. */}}
{{- define "users-service.sentinels" -}}
{{- if and (eq .Values.redis.kind "bundled") (gt (int .Values.redis.bundled.replicas) 0) }}yes{{ end }}
{{- end }}

{{/* `yes`, or nothing: whether anybody here talks to brokers. */}}
{{- define "users-service.kafka" -}}
{{- if or (ne .Values.feed.kind "direct") .Values.feed.events }}yes{{ end }}
{{- end }}

{{/* Bytes of a quantity in Mi or Gi, which the schema demands. */}}
{{- define "users-service.mebibytes" -}}
{{- if hasSuffix "Gi" . }}{{ mul (trimSuffix "Gi" . | int) 1024 }}{{ else }}{{ trimSuffix "Mi" . }}{{ end }}
{{- end }}

{{/* Thousandths of a core of a quantity of CPU. */}}
{{- define "users-service.millicores" -}}
{{- if hasSuffix "m" . }}{{ trimSuffix "m" . }}{{ else }}{{ mulf (float64 .) 1000 | int }}{{ end }}
{{- end }}

{{/* The port in a URL, or the scheme's own. Given: url, fallback. */}}
{{- define "users-service.port" -}}
{{- $host := get (urlParse .url) "host" }}
{{- default (toString .fallback) (regexFind "[0-9]+$" (regexFind ":[0-9]+$" $host)) }}
{{- end }}

{{- define "users-service.https-port" -}}
{{- include "users-service.port" (dict "url" . "fallback" (ternary "443" "80" (hasPrefix "https:" .))) }}
{{- end }}

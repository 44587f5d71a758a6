{{/* Rules of egress, one for each thing that is talked to. An empty list of peers is anywhere, at that port. */}}

{{/* Given: peers, ports. */}}
{{- define "users-service.egress" -}}
- ports:
    {{- range uniq .ports }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
  {{- with .peers }}
  to: {{ toJson . }}
  {{- end }}
{{- end }}

{{- define "users-service.egress-dns" -}}
- ports:
    - {protocol: UDP, port: 53}
    - {protocol: TCP, port: 53}
  {{- with .Values.networkPolicy.peers.dns }}
  to: {{ toJson . }}
  {{- end }}
{{- end }}

{{- define "users-service.egress-database" -}}
{{- $port := include "users-service.port" (dict "url" .Values.database.url "fallback" 9089) }}
{{- include "users-service.egress" (dict "peers" .Values.networkPolicy.peers.database "ports" (list $port)) }}
{{- end }}

{{- define "users-service.egress-redis" -}}
{{- $peers := .Values.networkPolicy.peers.redis }}
{{- $r := .Values.redis }}
{{- $bundled := list }}
{{- if eq $r.kind "bundled" }}{{ $bundled = append $bundled "redis" }}{{ end }}
{{- if eq $r.jobs.kind "bundled" }}{{ $bundled = append $bundled "redis-jobs" }}{{ end }}
{{- range $bundled }}
{{ include "users-service.egress-own" (dict "root" $ "component" . "port" "6379") }}
{{- end }}
{{- if include "users-service.sentinels" . }}
{{ include "users-service.egress-own" (dict "root" $ "component" "redis-sentinel" "port" "26379") }}
{{- end }}
{{- if eq $r.kind "external" }}
{{ include "users-service.egress" (dict "peers" $peers "ports" (include "users-service.redis-ports" $r.external | fromJsonArray)) }}
{{- end }}
{{- if eq $r.jobs.kind "external" }}
{{ include "users-service.egress" (dict "peers" $peers "ports" (include "users-service.redis-ports" $r.jobs.external | fromJsonArray)) }}
{{- end }}
{{- end }}

{{/* Those that were said, or those that the URL says of its hosts, or the usual ones. Given: url, ports. */}}
{{- define "users-service.redis-ports" -}}
{{- $sentinels := regexMatch "^rediss?-sentinel:" .url }}
{{- $ports := list }}
{{- range splitList "," (regexReplaceAll "^[a-z-]+://([^/?]*).*$" .url "${1}") }}
{{- $ports = append $ports (default (ternary "26379" "6379" $sentinels) (trimPrefix ":" (regexFind ":[0-9]+$" .)) | int) }}
{{- end }}
{{- if $sentinels }}{{ $ports = append $ports 6379 }}{{ end }}
{{- default $ports .ports | toJson }}
{{- end }}

{{/* To pods of this chart. Given: root, component, port. */}}
{{- define "users-service.egress-own" -}}
{{- $selector := include "users-service.selector" . | fromYaml }}
{{- include "users-service.egress" (dict "peers" (list (dict "podSelector" (dict "matchLabels" $selector))) "ports" (list .port)) }}
{{- end }}

{{- define "users-service.egress-kafka" -}}
{{- if include "users-service.kafka" . }}
{{- $ports := list }}
{{- range .Values.kafka.brokers }}{{ $ports = append $ports (regexFind "[0-9]+$" .) }}{{ end }}
{{ include "users-service.egress" (dict "peers" .Values.networkPolicy.peers.kafka "ports" $ports) }}
{{- end }}
{{- end }}

{{/* What the API alone asks: the issuer, the neighbours, the legacy application. */}}
{{- define "users-service.egress-http" -}}
{{- $p := .Values.networkPolicy.peers }}
{{- $neighbours := compact (list .Values.neighbours.branchesUrl .Values.neighbours.peopleUrl) }}
{{- $groups := list (dict "peers" $p.issuer "urls" (list .Values.auth.jwksUrl)) (dict "peers" $p.neighbours "urls" $neighbours) (dict "peers" $p.legacy "urls" (compact (list .Values.legacy.url))) }}
{{- range $groups }}
{{- $ports := list }}
{{- range .urls }}{{ $ports = append $ports (include "users-service.https-port" .) }}{{ end }}
{{- if $ports }}
{{ include "users-service.egress" (dict "peers" .peers "ports" $ports) }}
{{- end }}
{{- end }}
{{- end }}

{{/* What traces are sent by. */}}
{{- define "users-service.egress-tracing" -}}
{{- if .Values.newRelic.licenseKeySecret.name }}
{{- $port := toString (int .Values.newRelic.port) }}
{{- with get .Values.settings "NEW_RELIC_PROXY_URL" }}{{ $port = include "users-service.https-port" . }}{{ end }}
{{ include "users-service.egress" (dict "peers" .Values.networkPolicy.peers.newRelic "ports" (list $port)) }}
{{- end }}
{{- with .Values.openTelemetry.endpoint }}
{{ include "users-service.egress" (dict "peers" $.Values.networkPolicy.peers.openTelemetry "ports" (list (include "users-service.https-port" .))) }}
{{- end }}
{{- end }}

{{- define "users-service.egress-extra" -}}
{{- with .Values.networkPolicy.extraEgress }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Given: peers, port (a name, or a number). */}}
{{- define "users-service.ingress" -}}
- ports:
    - {protocol: TCP, port: {{ .port }}}
  {{- with .peers }}
  from: {{ toJson . }}
  {{- end }}
{{- end }}

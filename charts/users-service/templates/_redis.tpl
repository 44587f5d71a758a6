{{/*
One server: a StatefulSet, the Service that clients use (an address that outlasts the pod), and the one that a StatefulSet
has to have. With replicas (_redis-group.tpl) clients ask Sentinels. Given: root, component, maxMemoryMiB, resources, persistence
(null: none), replicas.
*/}}
{{- define "users-service.redis" -}}
{{- $root := .root }}
{{- $name := printf "%s-%s" (include "users-service.fullname" $root) .component }}
{{- $image := $root.Values.redis.bundled.image }}
apiVersion: v1
kind: ConfigMap
metadata:
  {{- include "users-service.metadata" . | nindent 2 }}
data:
  redis.conf: |
    {{- include "users-service.redis-conf" . | nindent 4 }}
  start.sh: |
    {{- $root.Files.Get "files/redis-start.sh" | nindent 4 }}
  {{- if .replicas }}
  group.sh: |
    {{- $root.Files.Get "files/redis-group.sh" | nindent 4 }}
  {{- end }}
  rights: |
    {{- $root.Files.Get "files/redis-rights.txt" | nindent 4 }}
{{- if not .replicas }}
---
apiVersion: v1
kind: Service
metadata:
  {{- include "users-service.metadata" . | nindent 2 }}
spec:
  type: ClusterIP
  selector:
    {{- include "users-service.selector" . | nindent 4 }}
  ports:
    - {name: redis, port: 6379, targetPort: redis}
{{- end }}
---
apiVersion: v1
kind: Service
metadata:
  {{- include "users-service.metadata" (merge (dict "name" (printf "%s-pods" .component)) .) | nindent 2 }}
spec:
  clusterIP: None
  {{- if .replicas }}
  # They find each other before they are ready.
  publishNotReadyAddresses: true
  {{- end }}
  selector:
    {{- include "users-service.selector" . | nindent 4 }}
  ports:
    - {name: redis, port: 6379, targetPort: redis}
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  {{- include "users-service.metadata" . | nindent 2 }}
  annotations:
    {{- include "users-service.kube-score" $root | nindent 4 }}
spec:
  serviceName: {{ $name }}-pods
  replicas: {{ add1 .replicas }}
  selector:
    matchLabels:
      {{- include "users-service.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        # Not the chart's version: a new one is no reason to start a Redis anew.
        {{- include "users-service.selector" . | nindent 8 }}
      annotations:
        checksum/settings: {{ printf "%s%s%s" (include "users-service.redis-conf" .) ($root.Files.Get "files/redis-start.sh") ($root.Files.Get "files/redis-rights.txt") | printf "%s%s" (ternary ($root.Files.Get "files/redis-group.sh") "" (gt (int .replicas) 0)) | sha256sum }}
    spec:
      serviceAccountName: {{ include "users-service.fullname" $root }}-service
      {{- include "users-service.pod-security" $root | nindent 6 }}
      terminationGracePeriodSeconds: 30
      {{- if .replicas }}
      {{- include "users-service.redis-apart" . | nindent 6 }}
      {{- end }}
      containers:
        - name: redis
          image: {{ include "users-service.image" (dict "image" $image "fallback" "") }}
          imagePullPolicy: {{ $image.pullPolicy }}
          command: [sh, /etc/redis/{{ ternary "group" "start" (gt (int .replicas) 0) }}.sh]
          {{- if .replicas }}
          env:
            {{- include "users-service.redis-group-env" $root | nindent 12 }}
          {{- end }}
          ports:
            - {name: redis, containerPort: 6379}
          {{- include "users-service.redis-probes" . | nindent 10 }}
          resources: {{ toJson .resources }}
          securityContext:
            {{- include "users-service.container-security" . | nindent 12 }}
          volumeMounts:
            - {name: settings, mountPath: /etc/redis, readOnly: true}
            - {name: password, mountPath: /run/secrets/redis, readOnly: true}
            - {name: rights, mountPath: /run/redis}
            - {name: data, mountPath: /data}
      volumes:
        {{- include "users-service.redis-volumes" . | nindent 8 }}
{{- with .persistence }}
---
# By itself, and not a template of the StatefulSet's: those can never be changed, so persistence could not be switched on later.
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  {{- include "users-service.metadata" $ | nindent 2 }}
spec:
  accessModes: [ReadWriteOnce]
  {{- with .storageClass }}
  storageClassName: {{ . | quote }}
  {{- end }}
  resources:
    requests:
      storage: {{ .size }}
{{- end }}
{{- end }}

{{- define "users-service.redis-conf" -}}
bind * -::*
port 6379
# The ACL decides who may come: there is no user without a password.
protected-mode no
aclfile /run/redis/users.acl
dir /data
maxmemory {{ .maxMemoryMiB }}mb
# An entry that is dropped would take with it what it knew of the least version to be shown (docs/redis.md).
maxmemory-policy noeviction
save ""
appendonly {{ ternary "yes" "no" (not (empty .persistence)) }}
{{- include "users-service.redis-group-conf" . }}
{{- end }}

{{- define "users-service.redis-group-conf" -}}
{{- if .replicas }}
# What a replica has missed in a short absence: it need not copy everything.
repl-backlog-size 16mb
repl-diskless-load on-empty-db
{{- if gt (int .replicas) 1 }}
# A master that is cut off from all of them takes no more writes. With one replica only, its absence would be the master's end.
min-replicas-to-write 1
min-replicas-max-lag 10
{{- end }}
{{- end }}
{{- end }}

{{/* Alive: it accepts. Ready: it answers, which it does not while it loads. */}}
{{- define "users-service.redis-probes" -}}
startupProbe:
  tcpSocket: {port: redis}
  periodSeconds: 1
  failureThreshold: 60
livenessProbe:
  tcpSocket: {port: redis}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  exec:
    command: [sh, /etc/redis/{{ ternary "group" "start" (gt (int .replicas) 0) }}.sh, ping]
  periodSeconds: 3
  timeoutSeconds: {{ ternary 4 2 (gt (int .replicas) 0) }}
  failureThreshold: 2
{{- end }}

{{- define "users-service.redis-volumes" -}}
- name: settings
  configMap:
    name: {{ include "users-service.fullname" .root }}-{{ .component }}
- name: password
  secret:
    {{- $password := include "users-service.redis-password" .root | fromJson }}
    secretName: {{ $password.name | quote }}
    defaultMode: 0440
    items:
      - {key: {{ $password.key | quote }}, path: password}
- name: rights
  emptyDir: {medium: Memory, sizeLimit: 1Mi}
- name: data
{{- if .persistence }}
  persistentVolumeClaim:
    claimName: {{ include "users-service.fullname" .root }}-{{ .component }}
{{- else }}
  # A replica that has fallen behind writes there what the master gives it.
  emptyDir: {sizeLimit: {{ ternary (add .maxMemoryMiB 64) 64 (gt (int .replicas) 0) }}Mi}
{{- end }}
{{- end }}

{{/*
One server: a StatefulSet, the Service that clients use (an address that outlasts the pod), and the one that a StatefulSet
has to have. Given: root, component, maxMemoryMiB, resources, persistence (null: none).
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
  rights: |
    {{- $root.Files.Get "files/redis-rights.txt" | nindent 4 }}
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
---
apiVersion: v1
kind: Service
metadata:
  {{- include "users-service.metadata" (merge (dict "name" (printf "%s-pods" .component)) .) | nindent 2 }}
spec:
  clusterIP: None
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
  replicas: 1
  selector:
    matchLabels:
      {{- include "users-service.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        # Not the chart's version: a new one is no reason to start a Redis anew.
        {{- include "users-service.selector" . | nindent 8 }}
      annotations:
        checksum/settings: {{ printf "%s%s%s" (include "users-service.redis-conf" .) ($root.Files.Get "files/redis-start.sh") ($root.Files.Get "files/redis-rights.txt") | sha256sum }}
    spec:
      serviceAccountName: {{ include "users-service.fullname" $root }}-service
      {{- include "users-service.pod-security" $root | nindent 6 }}
      terminationGracePeriodSeconds: 30
      containers:
        - name: redis
          image: {{ include "users-service.image" (dict "image" $image "fallback" "") }}
          imagePullPolicy: {{ $image.pullPolicy }}
          command: [sh, /etc/redis/start.sh]
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
  storageClassName: {{ . }}
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
    command: [sh, /etc/redis/start.sh, ping]
  periodSeconds: 3
  timeoutSeconds: 2
  failureThreshold: 2
{{- end }}

{{- define "users-service.redis-volumes" -}}
- name: settings
  configMap:
    name: {{ include "users-service.fullname" .root }}-{{ .component }}
- name: password
  secret:
    {{- $password := include "users-service.redis-password" .root | fromJson }}
    secretName: {{ $password.name }}
    defaultMode: 0440
    items:
      - {key: {{ $password.key }}, path: password}
- name: rights
  emptyDir: {medium: Memory, sizeLimit: 1Mi}
- name: data
{{- if .persistence }}
  persistentVolumeClaim:
    claimName: {{ include "users-service.fullname" .root }}-{{ .component }}
{{- else }}
  emptyDir: {sizeLimit: 64Mi}
{{- end }}
{{- end }}

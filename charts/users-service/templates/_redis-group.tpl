{{/* Several Redis, of which three Sentinels make one the master (files/redis-group.sh). */}}

{{/* `host:port` of each, by names that outlast the pods. Given: root, component, count, port. */}}
{{- define "users-service.redis-addresses" -}}
{{- $name := printf "%s-%s" (include "users-service.fullname" .root) .component }}
{{- $addresses := list }}
{{- range $index := until (int .count) }}
{{- $addresses = append $addresses (printf "%s-%d.%s-pods.%s.svc:%d" $name $index $name $.root.Release.Namespace (int $.port)) }}
{{- end }}
{{- toJson $addresses }}
{{- end }}

{{- define "users-service.redis-peers" -}}
{{- include "users-service.redis-addresses" (dict "root" . "component" "redis" "count" (add1 .Values.redis.bundled.replicas) "port" 6379) }}
{{- end }}

{{- define "users-service.redis-sentinels" -}}
{{- include "users-service.redis-addresses" (dict "root" . "component" "redis-sentinel" "count" 3 "port" 26379) }}
{{- end }}

{{- define "users-service.redis-group-env" -}}
- name: REDIS_SELF
  valueFrom:
    fieldRef: {fieldPath: metadata.name}
- name: REDIS_PEERS
  value: {{ include "users-service.redis-peers" . | fromJsonArray | join " " | quote }}
- name: REDIS_SENTINELS
  value: {{ include "users-service.redis-sentinels" . | fromJsonArray | join " " | quote }}
{{- end }}

{{/* No two of them on one node: what is lost with a node is one. Given: root, component. */}}
{{- define "users-service.redis-apart" -}}
{{- $own := dict "matchLabels" (include "users-service.selector" . | fromYaml) }}
affinity:
  podAntiAffinity:
    requiredDuringSchedulingIgnoredDuringExecution:
      - {{ dict "topologyKey" "kubernetes.io/hostname" "labelSelector" $own | toJson }}
    preferredDuringSchedulingIgnoredDuringExecution:
      - {{ dict "weight" 50 "podAffinityTerm" (dict "topologyKey" "topology.kubernetes.io/zone" "labelSelector" $own) | toJson }}
{{- end }}

{{- define "users-service.sentinel-conf" -}}
bind * -::*
port 26379
# There is no user without a password.
protected-mode no
dir /run/redis
# Addresses of pods change, and their names do not.
sentinel resolve-hostnames yes
sentinel announce-hostnames yes
sentinel down-after-milliseconds users 5000
sentinel failover-timeout users 30000
sentinel parallel-syncs users 1
{{- end }}

{{- define "users-service.redis-sentinel" -}}
{{- $root := . }}
{{- $given := dict "root" . "component" "redis-sentinel" }}
{{- $name := printf "%s-redis-sentinel" (include "users-service.fullname" .) }}
{{- $b := .Values.redis.bundled }}
apiVersion: v1
kind: ConfigMap
metadata:
  {{- include "users-service.metadata" $given | nindent 2 }}
data:
  sentinel.conf: |
    {{- include "users-service.sentinel-conf" . | nindent 4 }}
  group.sh: |
    {{- .Files.Get "files/redis-group.sh" | nindent 4 }}
---
apiVersion: v1
kind: Service
metadata:
  {{- include "users-service.metadata" (merge (dict "name" "redis-sentinel-pods") $given) | nindent 2 }}
spec:
  clusterIP: None
  # They find each other before they are ready.
  publishNotReadyAddresses: true
  selector:
    {{- include "users-service.selector" $given | nindent 4 }}
  ports:
    - {name: sentinel, port: 26379, targetPort: sentinel}
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  {{- include "users-service.metadata" $given | nindent 2 }}
  annotations:
    {{- include "users-service.kube-score" . | nindent 4 }}
spec:
  serviceName: {{ $name }}-pods
  replicas: 3
  # None of them waits for another, and all wait for a Redis.
  podManagementPolicy: Parallel
  selector:
    matchLabels:
      {{- include "users-service.selector" $given | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "users-service.selector" $given | nindent 8 }}
      annotations:
        checksum/settings: {{ printf "%s%s" (include "users-service.sentinel-conf" .) (.Files.Get "files/redis-group.sh") | sha256sum }}
    spec:
      serviceAccountName: {{ include "users-service.fullname" . }}-service
      {{- include "users-service.pod-security" . | nindent 6 }}
      terminationGracePeriodSeconds: 30
      {{- include "users-service.redis-apart" $given | nindent 6 }}
      containers:
        - name: sentinel
          image: {{ include "users-service.image" (dict "image" $b.image "fallback" "") }}
          imagePullPolicy: {{ $b.image.pullPolicy }}
          command: [sh, /etc/redis/group.sh, sentinel]
          env:
            {{- include "users-service.redis-group-env" . | nindent 12 }}
          ports:
            - {name: sentinel, containerPort: 26379}
          {{- include "users-service.sentinel-probes" . | nindent 10 }}
          resources: {{ toJson $b.sentinel.resources }}
          securityContext:
            {{- include "users-service.container-security" . | nindent 12 }}
          volumeMounts:
            - {name: settings, mountPath: /etc/redis, readOnly: true}
            - {name: password, mountPath: /run/secrets/redis, readOnly: true}
            - {name: run, mountPath: /run/redis}
      volumes:
        - name: settings
          configMap:
            name: {{ $name }}
        - name: password
          secret:
            {{- $password := include "users-service.redis-password" . | fromJson }}
            secretName: {{ $password.name | quote }}
            defaultMode: 0440
            items:
              - {key: {{ $password.key | quote }}, path: password}
        - name: run
          emptyDir: {medium: Memory, sizeLimit: 1Mi}
{{- end }}

{{/* It does not listen before it has found a Redis to watch, which may be a long time coming: that is no reason to end it. */}}
{{- define "users-service.sentinel-probes" -}}
livenessProbe:
  tcpSocket: {port: sentinel}
  initialDelaySeconds: 60
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 30
readinessProbe:
  exec:
    command: [sh, /etc/redis/group.sh, ping, sentinel]
  periodSeconds: 3
  timeoutSeconds: 4
  failureThreshold: 2
{{- end }}

{{/* How a Deployment goes on to the next revision: nobody is taken away before another is ready. Given: root, component. */}}
{{- define "users-service.rollout" -}}
revisionHistoryLimit: 5
progressDeadlineSeconds: 300
strategy:
  type: RollingUpdate
  rollingUpdate:
    maxSurge: 1
    maxUnavailable: 0
selector:
  matchLabels:
    {{- include "users-service.selector" . | nindent 4 }}
{{- end }}

{{/* What kube-score is told not to ask for, and why. Given: a root. */}}
{{- define "users-service.kube-score" -}}
{{- if .Values.networkPolicy.enabled -}}
kube-score/ignore: container-image-pull-policy
{{- else -}}
kube-score/ignore: container-image-pull-policy,pod-networkpolicy
users-service/why-no-policy: "networkPolicy.enabled is false: this site has none, or its own"
{{- end }}
users-service/why-not-always: "tags are not moved, and a registry that is away must not keep a pod from starting"
{{- end }}

{{/* A Deployment of workers. Given: root, component, args, values, and scaled (whether somebody else sets the replicas). */}}
{{- define "users-service.worker" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "users-service.metadata" . | nindent 2 }}
  annotations:
    {{- include "users-service.kube-score" .root | nindent 4 }}
spec:
  {{- if not .scaled }}
  replicas: {{ .values.replicas }}
  {{- end }}
  {{- include "users-service.rollout" . | nindent 2 }}
  template:
    {{- include "users-service.pod" . | nindent 4 }}
{{- end }}

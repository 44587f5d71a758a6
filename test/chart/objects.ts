// As much of Kubernetes' objects as the checks look at.

export type Labels = Record<string, string>
export type Selector = {
  matchLabels?: Labels
  matchExpressions?: { key: string; operator: string; values?: string[] }[]
}
export type Variable = {
  name: string
  value?: string
  valueFrom?: { secretKeyRef?: { name: string; key: string } }
}
export type Probe = {
  httpGet?: { path: string; port: string | number }
  tcpSocket?: { port: string | number }
  exec?: { command: string[] }
  periodSeconds?: number
  timeoutSeconds?: number
  failureThreshold?: number
}
type Amounts = { cpu: string; memory: string; 'ephemeral-storage'?: string }
export type Container = {
  name: string
  image: string
  command?: string[]
  args?: string[]
  env?: Variable[]
  envFrom?: { configMapRef?: { name: string }; secretRef?: { name: string } }[]
  ports?: { name: string; containerPort: number }[]
  startupProbe?: Probe
  livenessProbe?: Probe
  readinessProbe?: Probe
  lifecycle?: { preStop?: { sleep?: { seconds: number } } }
  resources: { requests: Amounts; limits: Amounts }
  securityContext?: {
    allowPrivilegeEscalation?: boolean
    readOnlyRootFilesystem?: boolean
    runAsNonRoot?: boolean
    capabilities?: { drop?: string[]; add?: string[] }
  }
  volumeMounts?: { name: string; mountPath: string }[]
}
type SecretItems = { key: string; path: string }[]
export type Volume = {
  name: string
  emptyDir?: { sizeLimit?: string }
  configMap?: { name: string }
  secret?: { secretName: string; items?: SecretItems }
  persistentVolumeClaim?: { claimName: string }
  projected?: { sources: { secret?: { name: string; items: SecretItems } }[] }
}
export type Pod = {
  serviceAccountName?: string
  automountServiceAccountToken?: boolean
  enableServiceLinks?: boolean
  hostNetwork?: boolean
  securityContext?: { runAsNonRoot?: boolean; seccompProfile?: { type: string } }
  terminationGracePeriodSeconds?: number
  affinity?: { podAntiAffinity?: { requiredDuringSchedulingIgnoredDuringExecution?: { topologyKey: string }[] } }
  topologySpreadConstraints?: unknown[]
  containers: Container[]
  volumes?: Volume[]
}
type Peer = { podSelector?: Selector; namespaceSelector?: Selector; ipBlock?: object }
export type Rule = { ports?: { port: string | number; protocol?: string }[]; to?: Peer[]; from?: Peer[] }
type Spec = {
  replicas?: number
  selector?: Selector & Labels
  podSelector?: Selector
  template?: { metadata: { labels: Labels; annotations?: Labels }; spec: Pod }
  strategy?: { rollingUpdate?: { maxSurge: number; maxUnavailable: number } }
  serviceName?: string
  clusterIP?: string
  ports?: { name: string; port: number; targetPort: string | number }[]
  scaleTargetRef?: { name: string }
  ingress?: Rule[]
  egress?: Rule[]
  policyTypes?: string[]
  endpoints?: { port: string; path: string }[]
  podMetricsEndpoints?: { port: string; path: string }[]
  defaultBackend?: Backend
  rules?: { http: { paths: { path: string; backend: Backend }[] } }[]
}
export type Backend = { service: { name: string; port: { name: string } } }
export type KubernetesObject = {
  kind: string
  apiVersion: string
  metadata: { name: string; namespace?: string; labels?: Labels; annotations?: Labels }
  data?: Record<string, string>
  spec?: Spec
}

export type Workload = KubernetesObject & { spec: Spec & { template: NonNullable<Spec['template']> } }

export const isWorkload = (object: KubernetesObject): object is Workload => object.spec?.template !== undefined
export const labelsOf = (workload: Workload): Labels => workload.spec.template.metadata.labels
export const podOf = (workload: Workload): Pod => workload.spec.template.spec
export const componentOf = (workload: Workload): string => labelsOf(workload)['app.kubernetes.io/component'] ?? ''
export const ofKind = (objects: KubernetesObject[], kind: string) => objects.filter((one) => one.kind === kind)
/** The service's own, not a Redis. */
export const isOurs = (workload: Workload): boolean => !componentOf(workload).startsWith('redis')

export function selects({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Labels): boolean {
  const hasLabels = Object.entries(matchLabels).every(([key, value]) => labels[key] === value)
  return hasLabels && matchExpressions.every(({ key, values = [] }) => values.includes(labels[key] ?? ''))
}

export function mebibytes(quantity: string): number {
  const amount = Number.parseInt(quantity, 10)
  return quantity.endsWith('Gi') ? amount * 1024 : amount
}

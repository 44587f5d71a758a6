import {
  type Container,
  componentOf,
  isWorkload,
  type KubernetesObject,
  type Probe,
  podOf,
  type Workload,
} from '../chart/objects.ts'

const MS_A_SECOND = 1_000
/** Kubernetes' own, where a pod says nothing (https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/). */
const DEFAULTS = { periodSeconds: 10, timeoutSeconds: 1, failureThreshold: 3 }
/** Of a container's environment: what says how it ends and how large it may be. All else names systems of a site. */
const TAKEN = ['SHUTDOWN_DRAIN_MS', 'SHUTDOWN_GRACE_MS', 'NODE_OPTIONS']

export type Probing = { path: string; port: string; periodMs: number; timeoutMs: number; failures: number }
/** How the pods of one component start, are asked, and end. */
export type PodSettings = {
  preStopMs: number
  /** From the deletion to SIGKILL: terminationGracePeriodSeconds. */
  terminationMs: number
  startup: Probing
  /** Null: nobody is sent to them. */
  readiness: Probing | null
  /** More pods than wanted, and fewer, while one revision takes the place of another. */
  surge: number
  unavailable: number
  environment: Record<string, string>
}
export type RedisSettings = { terminationMs: number; settings: Record<string, string> }
export type Settings = Record<'api' | 'projector' | 'jobs', PodSettings> & { redis: RedisSettings }

/** What a rendered chart says. Throws when it says something that a rehearsal does not know how to carry out. */
export function settingsIn(objects: KubernetesObject[]): Settings {
  return {
    api: podSettings(workloadOf(objects, 'api')),
    projector: podSettings(workloadOf(objects, 'projector')),
    jobs: podSettings(workloadOf(objects, 'jobs')),
    redis: {
      terminationMs: terminationMs(workloadOf(objects, 'redis')),
      settings: redisSettings(objects),
    },
  }
}

function workloadOf(objects: KubernetesObject[], component: string): Workload {
  const found = objects.filter(isWorkload).find((one) => one.kind !== 'Job' && componentOf(one) === component)
  if (found === undefined) throw new Error(`the chart has no ${component}`)
  return found
}

function podSettings(workload: Workload): PodSettings {
  const component = componentOf(workload)
  const [container, ...others] = podOf(workload).containers
  if (container?.startupProbe === undefined || others.length > 0)
    throw new Error(`${component}: not one container, or no startupProbe`)
  const { maxSurge, maxUnavailable } = workload.spec.strategy?.rollingUpdate ?? {}
  if (typeof maxSurge !== 'number' || typeof maxUnavailable !== 'number')
    throw new Error(`${component}: how it rolls is not said`)
  const { readinessProbe } = container
  return {
    preStopMs: preStopMs(component, container),
    terminationMs: terminationMs(workload),
    startup: probing(container.startupProbe),
    readiness: readinessProbe ? probing(readinessProbe) : null,
    surge: maxSurge,
    unavailable: maxUnavailable,
    environment: environment(container),
  }
}

function preStopMs(component: string, { lifecycle }: Container): number {
  if (lifecycle?.preStop === undefined) return 0
  const seconds = lifecycle.preStop.sleep?.seconds
  if (seconds === undefined) throw new Error(`${component}: preStop does something else than sleep`)
  return seconds * MS_A_SECOND
}

function terminationMs(workload: Workload): number {
  const seconds = podOf(workload).terminationGracePeriodSeconds
  if (seconds === undefined) throw new Error(`${componentOf(workload)}: terminationGracePeriodSeconds is not said`)
  return seconds * MS_A_SECOND
}

function probing(probe: Probe): Probing {
  if (probe.httpGet === undefined) throw new Error(`a probe that does not ask over HTTP: ${JSON.stringify(probe)}`)
  const { periodSeconds, timeoutSeconds, failureThreshold } = { ...DEFAULTS, ...probe }
  return {
    path: probe.httpGet.path,
    port: String(probe.httpGet.port),
    periodMs: periodSeconds * MS_A_SECOND,
    timeoutMs: timeoutSeconds * MS_A_SECOND,
    failures: failureThreshold,
  }
}

const environment = ({ env = [] }: Container): Record<string, string> =>
  Object.fromEntries(
    env.flatMap(({ name, value }) => (TAKEN.includes(name) && value !== undefined ? [[name, value]] : [])),
  )

/** What decides how much a Redis keeps. Where it listens and who may come is the rehearsal's. */
const KEPT = ['maxmemory', 'maxmemory-policy', 'save', 'appendonly']

function redisSettings(objects: KubernetesObject[]): Record<string, string> {
  const map = objects.find(({ kind, data }) => kind === 'ConfigMap' && data?.['redis.conf'] !== undefined)
  const found: Record<string, string> = {}
  for (const line of (map?.data?.['redis.conf'] ?? '').split('\n')) {
    const [, name = '', value = ''] = /^(\S+) (.*)$/.exec(line.trim()) ?? []
    if (KEPT.includes(name)) found[`--${name}`] = value === '""' ? '' : value
  }
  if (Object.keys(found).length !== KEPT.length)
    throw new Error(`redis.conf says ${JSON.stringify(found)}, and not each of ${KEPT}`)
  return found
}

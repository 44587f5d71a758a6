import type { KubernetesObject, Workload } from '../objects.ts'
import { componentOf, isOurs, isWorkload, mebibytes, podOf } from '../objects.ts'

/** What of the memory a heap may have; the rest is for buffers and the driver's processes. */
const HEAP_SHARE = 0.7
/** A pod must have this long between the last moment of its own and the end that is made for it. */
const SPARE_SECONDS = 1

const each = (objects: KubernetesObject[], faults: (workload: Workload) => string[]): string[] =>
  objects
    .filter(isWorkload)
    .flatMap((workload) => faults(workload).map((fault) => `${componentOf(workload)}: ${fault}`))

/** preStop, draining and grace end before Kubernetes does it. */
export function lateEnds(objects: KubernetesObject[]): string[] {
  return each(
    objects
      .filter(isWorkload)
      .filter(isOurs)
      .filter(({ kind }) => kind === 'Deployment'),
    (workload) => {
      const { terminationGracePeriodSeconds: allowed = 30, containers } = podOf(workload)
      return containers.flatMap(({ env = [], lifecycle }) => {
        const seconds = (name: string) => Number(env.find((one) => one.name === name)?.value ?? Number.NaN) / 1_000
        const drain = componentOf(workload) === 'api' ? seconds('SHUTDOWN_DRAIN_MS') : 0
        const preStop = lifecycle?.preStop?.sleep?.seconds ?? 0
        const needed = preStop + drain + seconds('SHUTDOWN_GRACE_MS')
        return needed + SPARE_SECONDS <= allowed ? [] : [`ends in ${needed} s, and is ended after ${allowed} s`]
      })
    },
  )
}

const isAlone = ({ spec }: Workload): boolean => (spec.replicas ?? 1) === 1
const isApart = (workload: Workload): boolean =>
  (podOf(workload).affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).some(
    ({ topologyKey }) => topologyKey === 'kubernetes.io/hostname',
  )

/** The API's rollout: one more before one less, and a pause before SIGTERM. Of several Redis none shares a node. */
export function unsafeRollouts(objects: KubernetesObject[]): string[] {
  return each(
    objects.filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet'),
    (workload) => {
      if (workload.kind === 'StatefulSet')
        return isAlone(workload) || isApart(workload) ? [] : ['two may be on one node']
      const { maxSurge, maxUnavailable } = workload.spec.strategy?.rollingUpdate ?? {}
      const api = componentOf(workload) === 'api'
      const waits = podOf(workload).containers.every(({ lifecycle }) => (lifecycle?.preStop?.sleep?.seconds ?? 0) > 0)
      return [
        ...(maxSurge === 1 && maxUnavailable === 0 ? [] : ['takes one away before there is another']),
        ...(api && !isApart(workload) ? ['two may be on one node'] : []),
        ...(api && !waits ? ['no pause before SIGTERM'] : []),
      ]
    },
  )
}

export function softSpots(objects: KubernetesObject[]): string[] {
  return each(objects, (workload) => {
    const pod = podOf(workload)
    const spots = pod.containers.flatMap(({ name, securityContext: context, resources }) => [
      ...(context?.readOnlyRootFilesystem === true ? [] : [`${name} may write to its file system`]),
      ...(context?.allowPrivilegeEscalation === false ? [] : [`${name} may gain rights`]),
      ...(context?.capabilities?.drop?.includes('ALL') && !context.capabilities.add
        ? []
        : [`${name} has capabilities`]),
      ...(context?.runAsNonRoot === true ? [] : [`${name} may run as root`]),
      ...(resources.limits.memory && resources.requests.cpu ? [] : [`${name} has no bounds`]),
    ])
    const unbounded = (pod.volumes ?? []).filter(({ emptyDir }) => emptyDir !== undefined && !emptyDir.sizeLimit)
    return [
      ...spots,
      ...unbounded.map(({ name }) => `the volume ${name} has no bound`),
      ...(pod.automountServiceAccountToken === false ? [] : ['has a token']),
      ...(pod.enableServiceLinks === false ? [] : ['gets variables of Services']),
      ...(pod.securityContext?.seccompProfile?.type === 'RuntimeDefault' ? [] : ['no seccomp profile']),
      ...(pod.hostNetwork ? ['on the host’s network'] : []),
    ]
  })
}

export function looseImages(objects: KubernetesObject[]): string[] {
  const isPinned = (image: string) => /@sha256:[0-9a-f]{64}$/.test(image) || /:(?!latest$)[\w][\w.-]*$/.test(image)
  return each(objects, (workload) =>
    podOf(workload).containers.flatMap(({ image }) => (isPinned(image) ? [] : [`the image ${image} is not pinned`])),
  )
}

/** Heaps and Redis's memory, against what the container may have. */
export function largeHeaps(objects: KubernetesObject[]): string[] {
  return each(objects, (workload) =>
    podOf(workload).containers.flatMap(({ env = [], resources }) => {
      const limit = mebibytes(resources.limits.memory)
      const heap = /--max-old-space-size=(\d+)/.exec(env.find(({ name }) => name === 'NODE_OPTIONS')?.value ?? '')?.[1]
      const memory = /^maxmemory (\d+)mb$/m.exec(redisSettings(objects, workload))?.[1]
      return [
        ...(heap !== undefined && Number(heap) > limit * HEAP_SHARE ? [`a heap of ${heap} of ${limit} MiB`] : []),
        ...(memory !== undefined && Number(memory) * 2 > limit ? [`maxmemory ${memory} of ${limit} MiB`] : []),
        ...(heap === undefined && workload.kind === 'Deployment' ? ['the heap has no limit'] : []),
        ...(memory === undefined && workload.kind === 'StatefulSet' && componentOf(workload) !== 'redis-sentinel'
          ? ['Redis has no limit']
          : []),
      ]
    }),
  )
}

function redisSettings(objects: KubernetesObject[], workload: Workload): string {
  const name = podOf(workload).volumes?.find((one) => one.name === 'settings')?.configMap?.name
  return (
    objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === name)?.data?.['redis.conf'] ?? ''
  )
}

import type { Backend, KubernetesObject, Labels, Selector, Workload } from '../objects.ts'
import { componentOf, isWorkload, labelsOf, ofKind, podOf, selects } from '../objects.ts'

const LABELS = ['name', 'instance', 'component', 'version', 'part-of', 'managed-by'].map(
  (end) => `app.kubernetes.io/${end}`,
)

export function missingLabels(objects: KubernetesObject[]): string[] {
  return objects.flatMap(({ kind, metadata }) =>
    [...LABELS, 'helm.sh/chart']
      .filter((label) => !metadata.labels?.[label])
      .map((label) => `${kind} ${metadata.name} has no label ${label}`),
  )
}

/** Whatever selects pods or objects selects some, and every workload its own. */
export function lostSelectors(objects: KubernetesObject[]): string[] {
  const workloads = objects.filter(isWorkload)
  const reaches = (selector: Selector) => workloads.some((workload) => selects(selector, labelsOf(workload)))
  return [
    ...ofKind(objects, 'Service').flatMap((one) =>
      reaches({ matchLabels: one.spec?.selector as Labels }) ? [] : [`Service ${one.metadata.name} selects nobody`],
    ),
    ...['PodDisruptionBudget', 'PodMonitor'].flatMap((kind) =>
      ofKind(objects, kind).flatMap((one) =>
        reaches(one.spec?.selector ?? {}) ? [] : [`${kind} ${one.metadata.name} selects nobody`],
      ),
    ),
    ...ofKind(objects, 'NetworkPolicy').flatMap((one) =>
      reaches(one.spec?.podSelector ?? {}) ? [] : [`NetworkPolicy ${one.metadata.name} selects nobody`],
    ),
    ...workloads
      .filter(({ kind }) => kind !== 'Job')
      .filter((workload) => !selects(workload.spec.selector ?? {}, labelsOf(workload)))
      .map((workload) => `${workload.metadata.name} does not select its own pods`),
    ...overlapping(workloads),
    ...budgetless(objects, workloads),
  ]
}

/** Two workloads that select each other's pods take them from each other. */
function overlapping(workloads: Workload[]): string[] {
  return workloads.flatMap((one) =>
    workloads
      .filter((other) => other !== one && one.kind !== 'Job' && selects(one.spec.selector ?? {}, labelsOf(other)))
      .map((other) => `${one.metadata.name} selects pods of ${other.metadata.name}`),
  )
}

function budgetless(objects: KubernetesObject[], workloads: Workload[]): string[] {
  const budgets = ofKind(objects, 'PodDisruptionBudget')
  return workloads
    .filter(({ kind }) => kind !== 'Job')
    .filter((workload) => !budgets.some(({ spec }) => selects(spec?.selector ?? {}, labelsOf(workload))))
    .map((workload) => `${workload.metadata.name} has no budget of disruptions`)
}

/** What names another object names one that is there; secrets may be the site's. */
export function danglingNames(objects: KubernetesObject[]): string[] {
  const has = (kind: string, name: string) => ofKind(objects, kind).some(({ metadata }) => metadata.name === name)
  const pods = objects.filter(isWorkload).flatMap((workload) => {
    const { volumes = [], containers, serviceAccountName = '' } = podOf(workload)
    const maps = [
      ...volumes.flatMap(({ configMap }) => (configMap ? [configMap.name] : [])),
      ...containers.flatMap(({ envFrom = [] }) => envFrom.map(({ configMapRef }) => configMapRef?.name ?? '')),
    ]
    const claims = volumes.flatMap(({ persistentVolumeClaim: claim }) => (claim ? [claim.claimName] : []))
    const known = volumes.map(({ name }) => name)
    const mounts = containers.flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ name }) => name))
    return [
      ...maps.filter((name) => !has('ConfigMap', name)).map((name) => `no ConfigMap ${name}`),
      ...claims.filter((name) => !has('PersistentVolumeClaim', name)).map((name) => `no claim ${name}`),
      ...mounts.filter((name) => !known.includes(name)).map((name) => `no volume ${name}`),
      ...(has('ServiceAccount', serviceAccountName) ? [] : [`no ServiceAccount ${serviceAccountName}`]),
    ].map((fault) => `${componentOf(workload)}: ${fault}`)
  })
  const scaled = objects.flatMap(({ kind, metadata, spec }) =>
    spec?.scaleTargetRef && !has('Deployment', spec.scaleTargetRef.name)
      ? [`${kind} ${metadata.name} scales nobody`]
      : [],
  )
  return [...pods, ...scaled, ...lostBackends(objects), ...twiceScaled(objects)]
}

function lostBackends(objects: KubernetesObject[]): string[] {
  const services = ofKind(objects, 'Service')
  const backends = ofKind(objects, 'Ingress').flatMap(({ spec }) => [
    ...(spec?.rules ?? []).flatMap(({ http }) => http.paths.map(({ backend }) => backend)),
    ...(spec?.defaultBackend ? [spec.defaultBackend] : []),
  ])
  const isThere = ({ service }: Backend) =>
    services.some(
      ({ metadata, spec }) =>
        metadata.name === service.name && spec?.ports?.some(({ name }) => name === service.port.name),
    )
  return backends.filter((backend) => !isThere(backend)).map(({ service }) => `Ingress: no Service ${service.name}`)
}

/** Who scales and who installs would set the replicas in turn. */
function twiceScaled(objects: KubernetesObject[]): string[] {
  const scaled = objects.flatMap(({ spec }) => (spec?.scaleTargetRef ? [spec.scaleTargetRef.name] : []))
  return objects
    .filter(
      ({ kind, metadata, spec }) =>
        kind === 'Deployment' && scaled.includes(metadata.name) && spec?.replicas !== undefined,
    )
    .map(({ metadata }) => `${metadata.name} says how many replicas, and is scaled`)
}

/** Passwords stand in Secrets alone. */
export function openSecrets(objects: KubernetesObject[]): string[] {
  const isSecret = (name: string, value: string) =>
    /:\/\/[^/@\s]*:[^@/$\s]+@|[?&]sentinelPassword=[^$]/.test(value) ||
    (/PASSWORD|LICENSE_KEY|TOKEN$/.test(name) && !name.endsWith('_FILE'))
  const inMaps = ofKind(objects, 'ConfigMap').flatMap(({ metadata, data = {} }) =>
    Object.entries(data)
      .filter(([name, value]) => isSecret(name, value))
      .map(([name]) => `ConfigMap ${metadata.name}: ${name}`),
  )
  const inPods = objects.filter(isWorkload).flatMap((workload) =>
    podOf(workload)
      .containers.flatMap(({ env = [] }) => env)
      .filter(({ name, value }) => value !== undefined && isSecret(name, value))
      .map(({ name }) => `${componentOf(workload)}: ${name}`),
  )
  return [...inMaps, ...inPods]
}

export const elsewhere = (objects: KubernetesObject[], namespace: string): string[] =>
  objects
    .filter(({ metadata }) => metadata.namespace !== namespace)
    .map(({ kind, metadata }) => `${kind} ${metadata.name} is not in the release's namespace`)

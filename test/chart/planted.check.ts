import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { schemaFolder } from '../../scripts/setup-kubernetes-schemas.mjs'
import { refusedSettings, unknownVariables } from './checks/environment.ts'
import { closedWays, lostPorts } from './checks/network.ts'
import { largeHeaps, lateEnds, looseImages, softSpots, unsafeRollouts } from './checks/pods.ts'
import { type Answers, deafProbes, startAnswering } from './checks/probes.ts'
import { danglingNames, elsewhere, lostSelectors, missingLabels, openSecrets } from './checks/references.ts'
import { type Container, isWorkload, type KubernetesObject, ofKind, podOf, type Workload } from './objects.ts'
import { CHART, NAMESPACE, ROOT, rendered, runTool, valueSet } from './support.ts'

// One fault a rule, planted in what the chart makes of all that can be switched on: every check can fail.

type Check = (objects: KubernetesObject[]) => string[] | Promise<string[]>
type Plant = (objects: KubernetesObject[]) => void
let answers: Answers
before(async () => {
  answers = await startAnswering()
})
after(() => answers.close())

const named = (objects: KubernetesObject[], kind: string, end: string): KubernetesObject => {
  const found = ofKind(objects, kind).find(({ metadata }) => metadata.name.endsWith(end))
  assert.ok(found, `${kind} ${end}`)
  return found
}
const workload = (objects: KubernetesObject[], end: string): Workload => {
  const found = objects.filter(isWorkload).find(({ metadata }) => metadata.name.endsWith(end))
  assert.ok(found, end)
  return found
}
const container = (objects: KubernetesObject[], end: string): Container => {
  const [found] = podOf(workload(objects, end)).containers
  assert.ok(found)
  return found
}
const settings = (objects: KubernetesObject[]) => named(objects, 'ConfigMap', '-settings').data ?? {}
const variable = (objects: KubernetesObject[], end: string, name: string) => {
  const found = container(objects, end).env?.find((one) => one.name === name)
  assert.ok(found, name)
  return found
}
const without = (objects: KubernetesObject[], gone: KubernetesObject) => objects.splice(objects.indexOf(gone), 1)

const FAULTS: [check: Check, expected: RegExp, plant: Plant][] = [
  [
    unknownVariables,
    /api: NEAR_CASH_BYTES is nobody's/,
    (all) => Object.assign(settings(all), { NEAR_CASH_BYTES: '1' }),
  ],
  [
    unknownVariables,
    /relay: FEED stands there twice/,
    (all) => container(all, '-relay').env?.push({ name: 'FEED', value: 'x' }),
  ],
  [refusedSettings, /REDIS_PARTITIONS/, (all) => Object.assign(settings(all), { REDIS_PARTITIONS: '0' })],
  [
    refusedSettings,
    /schema: .*DATABASE_URL/,
    (all) => Object.assign(variable(all, '-schema', 'DATABASE_URL'), { value: 'x' }),
  ],
  [refusedSettings, /AUTH_AUDIENCE: missing/, (all) => delete settings(all).AUTH_AUDIENCE],
  [
    refusedSettings,
    /projector: REDIS_URL is missing/,
    (all) => Object.assign(variable(all, '-projector', 'REDIS_URL'), { name: 'TZ' }),
  ],
  [
    refusedSettings,
    /jobs: \w+_FILE: a file that can be read/,
    (all) => Object.assign(podOf(workload(all, '-jobs')), { volumes: [] }),
  ],
  [
    lateEnds,
    /api: ends in/,
    (all) => Object.assign(podOf(workload(all, '-api')), { terminationGracePeriodSeconds: 20 }),
  ],
  [
    lateEnds,
    /relay: ends in NaN/,
    (all) => Object.assign(variable(all, '-relay', 'SHUTDOWN_GRACE_MS'), { name: 'TZ' }),
  ],
  [
    unsafeRollouts,
    /jobs: takes one away/,
    (all) => Object.assign(workload(all, '-jobs').spec.strategy?.rollingUpdate ?? {}, { maxUnavailable: 1 }),
  ],
  [unsafeRollouts, /api: two may be on one node/, (all) => delete podOf(workload(all, '-api')).affinity],
  [unsafeRollouts, /api: no pause/, (all) => delete container(all, '-api').lifecycle],
  [
    softSpots,
    /redis may write/,
    (all) => Object.assign(container(all, '-redis').securityContext ?? {}, { readOnlyRootFilesystem: false }),
  ],
  [
    softSpots,
    /has capabilities/,
    (all) => Object.assign(container(all, '-api').securityContext?.capabilities ?? {}, { add: ['NET_ADMIN'] }),
  ],
  [softSpots, /may run as root/, (all) => delete container(all, '-api').securityContext?.runAsNonRoot],
  [softSpots, /may gain rights/, (all) => delete container(all, '-api').securityContext?.allowPrivilegeEscalation],
  [softSpots, /has a token/, (all) => delete podOf(workload(all, '-schema')).automountServiceAccountToken],
  [softSpots, /variables of Services/, (all) => delete podOf(workload(all, '-api')).enableServiceLinks],
  [softSpots, /seccomp/, (all) => delete podOf(workload(all, '-relay')).securityContext?.seccompProfile],
  [
    softSpots,
    /volume tmp has no bound/,
    (all) => Object.assign(podOf(workload(all, '-api')).volumes?.[0] ?? {}, { emptyDir: {} }),
  ],
  [softSpots, /has no bounds/, (all) => Object.assign(container(all, '-api').resources.limits, { memory: '' })],
  [looseImages, /valkey:latest/, (all) => Object.assign(container(all, '-redis'), { image: 'valkey/valkey:latest' })],
  [looseImages, /is not pinned/, (all) => Object.assign(container(all, '-api'), { image: 'registry:5000/users' })],
  [
    largeHeaps,
    /api: a heap of 4096/,
    (all) => Object.assign(variable(all, '-api', 'NODE_OPTIONS'), { value: '--max-old-space-size=4096' }),
  ],
  [
    largeHeaps,
    /jobs: the heap has no limit/,
    (all) => Object.assign(variable(all, '-jobs', 'NODE_OPTIONS'), { name: 'TZ' }),
  ],
  [
    largeHeaps,
    /redis-jobs: maxmemory 64 of 100/,
    (all) => Object.assign(container(all, '-redis-jobs').resources.limits, { memory: '100Mi' }),
  ],
  [
    missingLabels,
    /Service .*-api has no label app.kubernetes.io\/version/,
    (all) => delete named(all, 'Service', '-api').metadata.labels?.['app.kubernetes.io/version'],
  ],
  [
    lostSelectors,
    /Service .*-redis selects nobody/,
    (all) => Object.assign(named(all, 'Service', '-redis').spec?.selector ?? {}, { more: 'x' }),
  ],
  [
    lostSelectors,
    /PodMonitor .* selects nobody/,
    (all) => Object.assign(named(all, 'PodMonitor', '').spec ?? {}, { selector: { matchLabels: { a: 'b' } } }),
  ],
  [
    lostSelectors,
    /NetworkPolicy .*-api selects nobody/,
    (all) =>
      Object.assign(named(all, 'NetworkPolicy', '-api').spec ?? {}, { podSelector: { matchLabels: { a: 'b' } } }),
  ],
  [
    lostSelectors,
    /does not select its own/,
    (all) => Object.assign(workload(all, '-jobs').spec.template.metadata, { labels: {} }),
  ],
  [
    lostSelectors,
    /-jobs selects pods of .*-relay/,
    (all) => delete workload(all, '-users-service-jobs').spec.selector?.matchLabels?.['app.kubernetes.io/component'],
  ],
  [lostSelectors, /-relay has no budget/, (all) => without(all, named(all, 'PodDisruptionBudget', '-relay'))],
  [danglingNames, /no ConfigMap .*-schema-files/, (all) => without(all, named(all, 'ConfigMap', '-schema-files'))],
  [danglingNames, /redis: no claim .*-redis/, (all) => without(all, named(all, 'PersistentVolumeClaim', '-redis'))],
  [danglingNames, /no ServiceAccount .*-service/, (all) => without(all, named(all, 'ServiceAccount', '-service'))],
  [danglingNames, /api: no volume files/, (all) => podOf(workload(all, '-api')).volumes?.pop()],
  [danglingNames, /ScaledObject .* scales nobody/, (all) => without(all, named(all, 'Deployment', '-projector'))],
  [danglingNames, /Ingress: no Service/, (all) => without(all, named(all, 'Service', '-api'))],
  [danglingNames, /-api says how many replicas/, (all) => Object.assign(workload(all, '-api').spec, { replicas: 3 })],
  [
    openSecrets,
    /ConfigMap .*-settings: REDIS_URL/,
    (all) => Object.assign(settings(all), { REDIS_URL: 'redis://u:hunter2@r:1' }),
  ],
  [
    openSecrets,
    /api: KAFKA_PASSWORD/,
    (all) => container(all, '-api').env?.push({ name: 'KAFKA_PASSWORD', value: 'hunter2' }),
  ],
  [lostPorts, /Service .*-api: no port http behind/, (all) => container(all, '-api').ports?.shift()],
  [
    lostPorts,
    /NetworkPolicy .*-redis: no port redis/,
    (all) => Object.assign(container(all, '-redis').ports?.[0] ?? {}, { name: 'data' }),
  ],
  [closedWays, /relay: cannot reach k1.example:9092 at port 9092/, (all) => denied(all, '-workers', 9092)],
  [closedWays, /jobs: cannot reach https:\/\/gateway\.example.* at port 8443/, (all) => denied(all, '-workers', 8443)],
  [closedWays, /schema: cannot reach the database at port 9090/, (all) => denied(all, '-schema', 9090)],
  [closedWays, /api: cannot reach .*-redis at port 6379/, (all) => denied(all, '-api', 6379)],
  [closedWays, /api: cannot reach http:\/\/legacy.* at port 8000/, (all) => denied(all, '-api', 8000)],
  [closedWays, /redis: is not denied all/, (all) => without(all, named(all, 'NetworkPolicy', '-default-deny'))],
  [
    closedWays,
    /redis: asks others/,
    (all) => Object.assign(named(all, 'NetworkPolicy', '-redis').spec ?? {}, { egress: [{ ports: [{ port: 443 }] }] }),
  ],
  [
    (all) => deafProbes(all, answers),
    /api: nobody answers .*\/healthz/,
    (all) => Object.assign(container(all, '-api').livenessProbe?.httpGet ?? {}, { path: '/healthz' }),
  ],
  [
    (all) => deafProbes(all, answers),
    /api: is ended when something else is away/,
    (all) => Object.assign(container(all, '-api').livenessProbe?.httpGet ?? {}, { path: '/health/ready' }),
  ],
  [
    (all) => deafProbes(all, answers),
    /jobs: is not seen/,
    (all) => delete container(all, '-users-service-jobs').livenessProbe,
  ],
  [
    (all) => deafProbes(all, answers),
    /ServiceMonitor .*: nothing at/,
    (all) => Object.assign(named(all, 'ServiceMonitor', '').spec?.endpoints?.[0] ?? {}, { path: '/metric' }),
  ],
]

function denied(objects: KubernetesObject[], end: string, port: number): void {
  const { spec } = named(objects, 'NetworkPolicy', end)
  if (spec) spec.egress = spec.egress?.filter(({ ports = [] }) => !ports.some((one) => one.port === port)) ?? []
}

/** In the same, with a Redis of several. */
const GROUP_FAULTS: typeof FAULTS = [
  [unsafeRollouts, /redis: two may be on one node/, (all) => delete podOf(workload(all, '-redis')).affinity],
  [
    unsafeRollouts,
    /redis-sentinel: two may be on one node/,
    (all) => delete podOf(workload(all, '-redis-sentinel')).affinity,
  ],
  [closedWays, /api: cannot reach .*-redis-sentinel-0.* at port 26379/, (all) => denied(all, '-api', 26379)],
  [closedWays, /redis: cannot reach .*-redis-sentinel-2.* at port 26379/, (all) => denied(all, '-redis-group', 26379)],
  [closedWays, /redis-sentinel: cannot reach .*-redis-1.* at port 6379/, (all) => denied(all, '-sentinel-group', 6379)],
  [
    closedWays,
    /redis-sentinel: asks others/,
    (all) => named(all, 'NetworkPolicy', '-sentinel-group').spec?.egress?.push({ ports: [{ port: 443 }] }),
  ],
  [
    openSecrets,
    /ConfigMap .*-settings: JOBS_REDIS_URL/,
    (all) => Object.assign(settings(all), { JOBS_REDIS_URL: 'redis-sentinel://s1/m?sentinelPassword=hunter2' }),
  ],
  [
    lostSelectors,
    /-redis-sentinel has no budget/,
    (all) => without(all, named(all, 'PodDisruptionBudget', '-redis-sentinel')),
  ],
  [
    softSpots,
    /sentinel may write/,
    (all) => Object.assign(container(all, '-sentinel').securityContext ?? {}, { readOnlyRootFilesystem: false }),
  ],
]

for (const [check, expected, plant, set] of [
  ...FAULTS.map((fault) => [...fault, 'everything'] as const),
  ...GROUP_FAULTS.map((fault) => [...fault, 'redis-replicas'] as const),
]) {
  test(`a planted fault is found: ${expected.source}`, async () => {
    const objects = structuredClone(rendered(valueSet(set)).objects)
    plant(objects)
    assert.match((await check(objects)).join('\n'), expected)
  })
}

const SCHEMAS = `${schemaFolder(ROOT)}/{{.ResourceKind}}{{.KindSuffix}}.json`
const asText = (objects: KubernetesObject[]) => objects.map((one) => JSON.stringify(one)).join('\n---\n')
const MISSPELT: [what: string, plant: Plant][] = [
  ['a field of a pod', (all) => Object.assign(podOf(workload(all, '-api')), { terminationGracePeriodSecond: 20 })],
  ['a field of a NetworkPolicy', (all) => Object.assign(named(all, 'NetworkPolicy', '-api').spec ?? {}, { egres: [] })],
  ['a field of a ScaledObject', (all) => Object.assign(named(all, 'ScaledObject', '').spec ?? {}, { minReplicas: 2 })],
  [
    'a field of a ServiceMonitor',
    (all) => Object.assign(named(all, 'ServiceMonitor', '').spec ?? {}, { endpoint: [] }),
  ],
  [
    'a version of an API',
    (all) => Object.assign(named(all, 'HorizontalPodAutoscaler', ''), { apiVersion: 'autoscaling/v2beta2' }),
  ],
]

for (const [what, plant] of MISSPELT) {
  test(`kubeconform finds ${what} that is not known`, () => {
    const objects = structuredClone(rendered(valueSet('everything')).objects)
    plant(objects)
    assert.notEqual(runTool('kubeconform', ['-strict', '-schema-location', SCHEMAS], asText(objects)).status, 0)
  })
}

test('kube-score finds a container without limits', () => {
  const objects = structuredClone(rendered(valueSet('everything')).objects)
  Object.assign(container(objects, '-api').resources, { limits: {} })
  const { stdout } = runTool('kube-score', ['score', '--output-format', 'ci', '-'], asText(objects))
  assert.match(stdout, /^\[CRITICAL\]/m)
})

test('an object in another namespace is found', () => {
  const objects = structuredClone(rendered(valueSet('everything')).objects)
  Object.assign(named(objects, 'Ingress', '').metadata, { namespace: 'others' })
  assert.match(elsewhere(objects, NAMESPACE).join(), /^Ingress .* is not in/)
})

test('helm lint finds a template that makes no YAML', (t) => {
  const chart = mkdtempSync(join(tmpdir(), 'chart-lint-'))
  t.after(() => rmSync(chart, { recursive: true, force: true }))
  cpSync(CHART, chart, { recursive: true })
  writeFileSync(join(chart, 'templates', 'broken.yaml'), 'a: b: c\n')
  assert.notEqual(runTool('helm', ['lint', '--strict', chart, '-f', valueSet('minimal').file]).status, 0)
})

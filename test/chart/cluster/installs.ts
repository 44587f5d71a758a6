import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { goTool } from '../../../scripts/setup-go-tools.mjs'
import { definitionFolder } from '../../../scripts/setup-kubernetes-schemas.mjs'
import { CHART, ROOT, runTool, type ValueSet, valueSet, valueSets } from '../support.ts'
import { type Cluster, startCluster } from './server.ts'

// Every value set on a real API server: looked at, installed, upgraded, taken back, and removed. Run by `make test-cluster`.

const HELM_LIMIT_MS = 120_000
const LOOK_EVERY_MS = 300
const RELEASE = 'shop'

let cluster: Cluster
before(async () => {
  cluster = await startCluster()
  for (const name of readdirSync(definitionFolder(ROOT))) {
    // Made, not applied: applying would copy each into an annotation, which is too small for them.
    cluster.kubectl(['create', '-f', join(definitionFolder(ROOT), name)])
  }
  cluster.kubectl(['wait', '--for=condition=established', '--timeout=60s', 'crd', '--all'])
})
after(() => cluster?.stop())

for (const set of valueSets) {
  test(`${set.name}: dry run, install, upgrade, rollback, uninstall`, async () => {
    const namespace = `test-${set.name}`
    cluster.kubectl(['create', 'namespace', namespace])
    const inNamespace = (...args: string[]) => cluster.kubectl(['-n', namespace, ...args])
    dryRun(set, namespace)

    const values = ['-f', set.file]
    await helm(namespace, ['install', RELEASE, CHART, ...values])
    const [installed, password] = [heapOf(inNamespace), passwordOf(inNamespace)]
    assert.ok(JSON.parse(inNamespace('get', 'deployments', '-o', 'json')).items.length >= 3)

    await helm(namespace, ['upgrade', RELEASE, CHART, ...values, '--set', 'api.heapMiB=400'])
    assert.equal(heapOf(inNamespace), '--max-old-space-size=400')
    assert.equal(passwordOf(inNamespace), password, 'the password outlasts an upgrade')

    await helm(namespace, ['rollback', RELEASE, '1'])
    assert.equal(heapOf(inNamespace), installed)
    assert.equal(passwordOf(inNamespace), password, 'the password outlasts a rollback')

    await helm(namespace, ['uninstall', RELEASE])
    assert.deepEqual(left(inNamespace), [])
  })
}

test('a site may change its mind: each set of values upgrades to the next, persistence, Kafka and an outer Redis among that', async () => {
  const namespace = 'test-changes'
  cluster.kubectl(['create', 'namespace', namespace])
  for (const [index, name] of [
    'minimal',
    'everything',
    'kafka',
    'redis-replicas',
    'redis-cluster',
    'strangler',
    'minimal',
  ].entries()) {
    await helm(namespace, [index === 0 ? 'install' : 'upgrade', RELEASE, CHART, '-f', valueSet(name).file])
  }
  await helm(namespace, ['rollback', RELEASE, '2'])
  await helm(namespace, ['uninstall', RELEASE])
  assert.deepEqual(
    left((...args) => cluster.kubectl(['-n', namespace, ...args])),
    [],
  )
})

test('what the server refuses is seen', () => {
  const { stdout } = runTool('helm', ['template', RELEASE, CHART, '-n', 'default', '-f', valueSet('minimal').file])
  const faulty = stdout.replace('maxUnavailable: 0', 'maxUnavailable: 0\n      maxSurge: 0')
  assert.throws(
    () =>
      cluster.kubectl(['apply', '--dry-run=server', '-n', 'default', '-f', '-'], faulty.replace('maxSurge: 1\n', '\n')),
    /maxUnavailable|maxSurge/,
  )
})

/** The server checks every object, hooks among them, and warns of nothing. */
function dryRun(set: ValueSet, namespace: string): void {
  const { stdout, status, stderr } = runTool('helm', ['template', RELEASE, CHART, '-n', namespace, '-f', set.file])
  assert.equal(status, 0, stderr)
  const args = ['apply', '--dry-run=server', '--validate=strict', '--warnings-as-errors', '-n', namespace, '-f', '-']
  cluster.kubectl(args, stdout)
}

/** Helm waits for the hook's Job, and here is no controller that would run it: while it waits, the Job is said to be done. */
async function helm(namespace: string, args: string[]): Promise<void> {
  const options = ['--namespace', namespace, '--kubeconfig', cluster.kubeconfig, '--timeout', '60s']
  const child = spawn(goTool(ROOT, 'helm'), [...args, ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: HELM_LIMIT_MS,
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => (said += part))
  let code: number | null | undefined
  child.on('close', (status) => (code = status))
  while (code === undefined) {
    finishJobs(namespace)
    await wait(LOOK_EVERY_MS)
  }
  assert.equal(code, 0, `helm ${args.join(' ')}: ${said}`)
  if (args[0] === 'install') assert.match(said, /What to do next/)
}

function finishJobs(namespace: string): void {
  const { items } = JSON.parse(cluster.kubectl(['-n', namespace, 'get', 'jobs', '-o', 'json'])) as {
    items: { metadata: { name: string }; status: { succeeded?: number } }[]
  }
  const at = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
  const conditions = ['SuccessCriteriaMet', 'Complete'].map((type) => ({
    ...{ type, status: 'True', reason: 'CompletionsReached', lastProbeTime: at, lastTransitionTime: at },
  }))
  const status = { succeeded: 1, startTime: at, completionTime: at, conditions, uncountedTerminatedPods: {} }
  for (const { metadata } of items.filter((job) => job.status.succeeded === undefined)) {
    const patch = [
      'patch',
      'job',
      metadata.name,
      '--subresource=status',
      '--type=merge',
      '-p',
      JSON.stringify({ status }),
    ]
    try {
      cluster.kubectl(['-n', namespace, ...patch])
    } catch (error) {
      // Helm may have removed it meanwhile.
      if (!/not found/i.test((error as Error).message)) throw error
    }
  }
}

type InNamespace = (...args: string[]) => string

function heapOf(inNamespace: InNamespace): string | undefined {
  const { items } = JSON.parse(inNamespace('get', 'deployments', '-l', 'app.kubernetes.io/component=api', '-o', 'json'))
  const env: { name: string; value?: string }[] = items[0].spec.template.spec.containers[0].env
  return env.find(({ name }) => name === 'NODE_OPTIONS')?.value
}

/** Null where the chart makes none. */
function passwordOf(inNamespace: InNamespace): string | null {
  const { items } = JSON.parse(inNamespace('get', 'secrets', '-l', 'app.kubernetes.io/component=redis', '-o', 'json'))
  return items[0]?.data.password ?? null
}

/** What of the release is there and stays: a volume's claim is only marked, because no controller lets it go. */
function left(inNamespace: InNamespace): string[] {
  const kinds = [
    ...['deployments', 'statefulsets', 'jobs', 'services', 'configmaps', 'secrets', 'serviceaccounts'],
    ...['persistentvolumeclaims', 'networkpolicies', 'ingresses', 'poddisruptionbudgets', 'horizontalpodautoscalers'],
    ...['servicemonitors', 'podmonitors', 'prometheusrules', 'scaledobjects'],
  ]
  const label = `app.kubernetes.io/instance=${RELEASE}`
  const { items } = JSON.parse(inNamespace('get', kinds.join(','), '-l', label, '-o', 'json')) as {
    items: { kind: string; metadata: { name: string; deletionTimestamp?: string } }[]
  }
  return items.filter((one) => !one.metadata.deletionTimestamp).map(({ kind, metadata }) => `${kind} ${metadata.name}`)
}

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { freePort } from '../../src/adapters/redis/free-port.ts'
import { environmentOf, writeFiles } from './checks/environment.ts'
import { componentOf, isOurs, isWorkload, type Probe, podOf, type Workload } from './objects.ts'
import { ROOT, rendered, valueSet } from './support.ts'

// The processes as their pods start them, without Redis and brokers, and over an embedded database, because a process that starts
// has to read which history it is in (docs/consistency.md). The probes that end a process have to be content with that, and SIGTERM
// must end it in the time that the chart gives it.

const folder = mkdtempSync(join(tmpdir(), 'chart-processes-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const { objects } = rendered(valueSet('kafka'))
/** How long a process must go on for once it has begun: longer than its first attempts to reach the others. */
const GOES_ON_FOR_MS = 8_000
const LOOK_EVERY_MS = 200

for (const workload of objects.filter(isWorkload).filter(isOurs)) {
  if (workload.kind === 'Job') continue
  test(`${componentOf(workload)} starts, lives and ends by its pod's settings while Redis and brokers are away`, async (t) => {
    const { child, ports } = await start(workload)
    t.after(() => child.kill('SIGKILL'))
    const [container] = podOf(workload).containers
    assert.ok(container?.startupProbe && container.livenessProbe)
    const until = Date.now() + allowedMs(container.startupProbe)
    while (!(await answers(container.startupProbe, ports))) {
      assert.ok(Date.now() < until && child.exitCode === null, `it does not start: ${child.exitCode}`)
      await wait(LOOK_EVERY_MS)
    }
    await wait(GOES_ON_FOR_MS)
    assert.equal(child.exitCode, null, 'it has ended by itself')
    assert.ok(await answers(container.livenessProbe, ports))
    if (container.readinessProbe) await assertUnready(container.readinessProbe, ports)

    const told = Date.now()
    child.kill('SIGTERM')
    await once(child, 'exit')
    const preStopMs = (container.lifecycle?.preStop?.sleep?.seconds ?? 0) * 1_000
    const allowed = (podOf(workload).terminationGracePeriodSeconds ?? 0) * 1_000 - preStopMs
    assert.ok(Date.now() - told < allowed, `it took ${Date.now() - told} ms to end`)
    // Without brokers a worker has not started yet, and ends by the signal itself.
    assert.ok(child.exitCode === 0 || child.signalCode === 'SIGTERM', `it ended with ${child.exitCode}`)
  })
}

type Ports = Record<string, number>

async function start(workload: Workload): Promise<{ child: ChildProcess; ports: Ports }> {
  const [container] = podOf(workload).containers
  assert.ok(container)
  const files = join(folder, componentOf(workload))
  writeFiles(objects, workload, files)
  const ports = { http: await freePort(), metrics: await freePort() }
  const environment: NodeJS.ProcessEnv = {
    PATH: process.env.PATH,
    ...environmentOf(objects, container, files),
    // Nothing of this listens or asks beyond this machine.
    ...{ HOST: '127.0.0.1', PORT: String(ports.http), METRICS_PORT: String(ports.metrics), LOG_LEVEL: 'silent' },
    ...{ REDIS_URL: 'redis://127.0.0.1:1', JOBS_REDIS_URL: 'redis://127.0.0.1:1', KAFKA_BROKERS: '127.0.0.1:1' },
    ...{ DATABASE_URL: '', DATA_DIR: files, AUTH_JWKS_URL: 'https://127.0.0.1:1/keys', KAFKA_CA_FILE: '' },
  }
  const child = spawn(process.execPath, ['src/main.ts', ...(container.args ?? [])], {
    cwd: ROOT,
    env: environment,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return { child, ports }
}

/** For want of the issuer's keys alone: without them nobody can be answered. For Redis the database answers. */
async function assertUnready(probe: Probe, ports: Ports): Promise<void> {
  const answer = await fetch(urlOf(probe, ports))
  const { checks } = (await answer.json()) as { checks: Record<string, { state: string }> }
  const failing = Object.entries(checks).filter(([, { state }]) => state === 'failing')
  assert.deepEqual([answer.status, failing.map(([name]) => name)], [503, ['issuer']])
}

const urlOf = ({ httpGet }: Probe, ports: Ports): string =>
  `http://127.0.0.1:${ports[String(httpGet?.port)]}${httpGet?.path}`

async function answers(probe: Probe, ports: Ports): Promise<boolean> {
  try {
    return (await fetch(urlOf(probe, ports))).ok
  } catch {
    return false
  }
}

function allowedMs({ periodSeconds = 10, failureThreshold = 3 }: Probe): number {
  return periodSeconds * failureThreshold * 1_000
}

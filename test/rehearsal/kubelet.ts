import { once } from 'node:events'
import { request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { hasEnded, type Running } from '../../bench/processes.ts'
import type { PodSettings, Probing } from './pods.ts'

export type Ports = { http: number; metrics: number }
type Options = {
  name: string
  node: string
  settings: PodSettings
  ports: Ports
  running: Running
  /** Tells those who send connections; null: none to this one any more. */
  tell(port: number | null): void
  /** A fault, planted: whoever sends connections looks at nothing but whether the pod exists. */
  isReadinessIgnored: boolean
}
export type Pod = ReturnType<typeof startPod>
export type Ending = { tookMs: number; killed: boolean; code: number | null }

/**
 * One pod with its kubelet: asks its startup probe and then its readiness probe, and ends it as Kubernetes does
 * (https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination): nobody is sent to it from the deletion
 * on, whatever its probe says; meanwhile preStop, then SIGTERM, and SIGKILL when the grace time is over.
 * Its liveness probe is not asked: nothing here stands still for as long as that takes.
 */
export function startPod({ name, node, settings, ports, running, tell: given, isReadinessIgnored }: Options) {
  const { startup, readiness } = settings
  const tell = isReadinessIgnored ? () => undefined : given
  if (isReadinessIgnored && readiness !== null) {
    given(ports.http)
    running.child.once('exit', () => given(null))
  }
  let gone = false
  let isReady = false
  const started = untilStarted(startup, ports, running)
  const over = started.then(async () => {
    if (readiness === null) {
      isReady = true
      return
    }
    for (let failures = 0; !gone; await delay(readiness.periodMs, undefined, { ref: false })) {
      failures = (await answers(readiness, ports)) ? 0 : failures + 1
      const ready = failures === 0 || (isReady && failures < readiness.failures)
      if (gone || ready === isReady) continue
      isReady = ready
      tell(ready ? ports.http : null)
    }
  })
  over.catch(() => undefined)

  return {
    name,
    node,
    ports,
    running,
    started: () => started,
    isReady: () => isReady,
    /** Resolves when its readiness probe says so; rejects when it does not start. */
    async ready(): Promise<void> {
      await started
      while (!isReady && !hasEnded(running)) await delay(LOOK_EVERY_MS)
      if (!isReady) throw new Error(`${name} ended before it was ready`)
    },
    async end(): Promise<Ending> {
      const from = performance.now()
      gone = true
      if (isReady && readiness !== null) tell(null)
      isReady = false
      await delay(settings.preStopMs)
      const ended = hasEnded(running) ? Promise.resolve() : once(running.child, 'exit')
      running.child.kill('SIGTERM')
      const late = new AbortController()
      const limitMs = Math.max(0, settings.terminationMs - settings.preStopMs)
      const killed = await Promise.race([
        ended.then(() => false),
        delay(limitMs, true, { signal: late.signal }).catch(() => false),
      ])
      late.abort()
      if (killed) running.child.kill('SIGKILL')
      await ended
      return { tookMs: performance.now() - from, killed, code: running.child.exitCode }
    },
    /** Its node goes: nobody says goodbye, and only its probe tells that it is away. */
    kill: () => void running.child.kill('SIGKILL'),
    freeze: () => void running.child.kill('SIGSTOP'),
    thaw: () => void running.child.kill('SIGCONT'),
    /** Once it has been killed, and the probe has seen that: nothing is left of it. */
    forget: () => {
      gone = true
      if (isReady) tell(null)
      isReady = false
    },
  }
}

const LOOK_EVERY_MS = 20
/** How long a start takes is not rehearsed: many begin here on two cores, which others use as well. */
const START_PATIENCE = 8

async function untilStarted(startup: Probing, ports: Ports, running: Running): Promise<void> {
  for (let failures = 0; !(await answers(startup, ports)); await delay(startup.periodMs)) {
    failures += 1
    if (failures >= START_PATIENCE * startup.failures || hasEnded(running))
      throw new Error(`a pod did not start: ${startup.path} at ${startup.port}`)
  }
}

/** As kubelets ask: a new connection each time, and from 200 to 399 it is well. */
function answers({ path, port, timeoutMs }: Probing, ports: Ports): Promise<boolean> {
  return new Promise((resolve) => {
    const options = {
      path,
      port: port === 'http' ? ports.http : ports.metrics,
      host: '127.0.0.1',
      agent: false,
      timeout: timeoutMs,
    }
    const asked = request(options, (answer) => {
      answer.resume()
      answer.on('end', () => resolve((answer.statusCode ?? 0) >= 200 && (answer.statusCode ?? 0) < 400))
      answer.on('error', () => resolve(false))
    })
    asked.on('timeout', () => asked.destroy(new Error('no answer in time')))
    asked.on('error', () => resolve(false))
    asked.end()
  })
}

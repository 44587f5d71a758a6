import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { startTestCluster } from '../support/cluster.ts'
import { startTestRedis } from '../support/redis.ts'

const SCRIPT = join(import.meta.dirname, 'stopping-worker.ts')
/** Stopping is bounded by seconds; a process that is kept alive would stay for ever. */
const END_LIMIT_MS = 60_000

type Frozen = { url: string; pids: number[]; stop(): Promise<unknown> }
const KINDS: Record<string, () => Promise<Frozen>> = {
  'one Redis': async () => {
    const { url, pid, stop } = await startTestRedis()
    return { url, pids: [pid], stop }
  },
  'a cluster': async () => {
    const { url, nodes, stop } = await startTestCluster()
    return { url, pids: nodes.map(({ server }) => server.pid), stop }
  },
}

for (const [kind, start] of Object.entries(KINDS)) {
  test(`a worker that is stopped while ${kind} answers nothing keeps its process alive no longer`, async (t) => {
    const { url, pids, stop } = await start()
    const signal = (name: NodeJS.Signals) => {
      for (const pid of pids) process.kill(pid, name)
    }
    t.after(async () => {
      signal('SIGCONT')
      await stop()
    })
    const child = spawn(process.execPath, [SCRIPT, url], { stdio: ['pipe', 'pipe', 'inherit'] })
    const ended = once(child, 'exit')
    const late = setTimeout(() => child.kill('SIGKILL'), END_LIMIT_MS)
    t.after(async () => {
      clearTimeout(late)
      child.kill('SIGKILL')
      await ended
    })
    // Else who never says so would be waited for.
    const endedEarly = ended.then((how) => assert.fail(`it has ended without work: ${how}`))
    await Promise.race([once(child.stdout, 'data'), endedEarly])
    signal('SIGSTOP')
    child.stdin.write('stop\n')
    assert.deepEqual(await ended, [0, null])
  })
}

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { guardAgainstOurEnd } from '../../scripts/guard-against-our-end.ts'
import { legacyFolder, legacyVenv } from '../../scripts/setup-legacy.mjs'
import { isVenv } from '../../scripts/setup-venv.mjs'
import { freePort } from '../../src/adapters/redis/free-port.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const START_LIMIT_MS = 20_000
const ASK_LIMIT_MS = 1_000
const POLL_MS = 20
const STOP_LIMIT_MS = 5_000
/** Enough of what it printed to see why it failed. */
const MAX_SAID_CHARACTERS = 4_000

/** Why the example of a legacy application cannot be started here; undefined when it can. Throws where CI is set, and it cannot. */
export function legacyDjangoMissing(): string | undefined {
  if (isVenv(legacyVenv(ROOT))) return undefined
  const why = 'its virtual environment is missing: node scripts/setup-legacy.mjs'
  if (process.env.CI) throw new Error(why)
  return why
}

export type LegacyDjangoOptions = {
  /** Made by the service before: the application makes no tables. */
  databasePath: string
  /** The least and the longest pause in a request. */
  slownessMs: [least: number, most: number]
  seed?: number
  /** A free one when it is absent. */
  port?: number
}
export type LegacyDjango = {
  url: string
  port: number
  /** Of gunicorn's master; its worker is a child of it. */
  pid: number
  /** In its own time. */
  stop(): Promise<void>
  /** At once, all of its processes. */
  kill(): Promise<void>
  /** It still accepts connections, and says nothing. */
  freeze(): void
  thaw(): void
}

/** Resolves once it answers. It ends at the latest when this process does, in whatever way. */
export async function startLegacyDjango(options: LegacyDjangoOptions): Promise<LegacyDjango> {
  const port = options.port ?? (await freePort())
  const url = `http://127.0.0.1:${port}`
  const child = spawn(join(legacyVenv(ROOT), 'bin', 'gunicorn'), [], {
    cwd: legacyFolder(ROOT),
    // Nothing of ours: a variable of the test's own must not change how it behaves.
    env: {
      PATH: process.env.PATH,
      BIND: `127.0.0.1:${port}`,
      DATABASE_PATH: options.databasePath,
      LEGACY_SLOWNESS_MS: options.slownessMs.join('-'),
      LEGACY_SEED: String(options.seed ?? 1),
      PYTHONDONTWRITEBYTECODE: '1',
    },
    // A group of its own: signals that are meant for it reach its worker as well.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = listenTo(child)
  await once(child, 'spawn')
  const pid = Number(child.pid)
  const guard = guardAgainstOurEnd(-pid, null)
  const ended = once(child, 'exit')
  const signal = (name: NodeJS.Signals) => {
    if (!hasEnded(child)) process.kill(-pid, name)
  }
  const killRest = () => {
    try {
      process.kill(-pid, 'SIGKILL')
    } catch {
      // As it should be: the master was the last of them.
    }
  }
  const end = async (name: NodeJS.Signals) => {
    signal('SIGCONT')
    signal(name)
    const timer = setTimeout(signal, STOP_LIMIT_MS, 'SIGKILL')
    if (!hasEnded(child)) await ended
    clearTimeout(timer)
    killRest()
    await guard.end()
  }
  const legacy = {
    url,
    port,
    pid,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
  }
  try {
    await untilAnswering(url, child)
    return legacy
  } catch (error) {
    await legacy.kill()
    throw new Error(`The legacy application does not start: ${said()}`, { cause: error })
  }
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null

function listenTo(child: ChildProcess): () => string {
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      text = (text + chunk).slice(-MAX_SAID_CHARACTERS)
    })
  }
  return () => text.trim()
}

async function untilAnswering(url: string, child: ChildProcess): Promise<void> {
  const untilMs = performance.now() + START_LIMIT_MS
  for (;;) {
    if (hasEnded(child)) throw new Error(`it ended with ${child.signalCode ?? child.exitCode}`)
    const answer = await fetch(`${url}/users/0/`, { signal: AbortSignal.timeout(ASK_LIMIT_MS) }).catch(() => null)
    await answer?.body?.cancel()
    if (answer) return
    if (performance.now() > untilMs) throw new Error(`it did not answer within ${START_LIMIT_MS} ms`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { endWithUs } from './end-with-us.ts'
import { freePort } from './free-port.ts'
import { endLeftover, PID_FILE } from './leftover-server.ts'
import { ask } from './one-question.ts'

/** Loading a snapshot is not part of it: a server that loads already answers. */
const START_LIMIT_MS = 10_000
/** On SIGTERM a persistent server writes its snapshot first: seconds for gigabytes. */
const STOP_LIMIT_MS = 15_000
const KILL_LIMIT_MS = 2_000
const POLL_MS = 10
/** Between finding a free port and using it, somebody else may have taken it. */
const PORT_ATTEMPTS = 5
/** Redis 7 is the first whose scripts may say `allow-oom`. scripts/setup-redis.mjs knows the same number. */
const OLDEST_REDIS = 7
const VERSION_LIMIT_MS = 5_000
const LAST_WORDS_LINES = 10

export type LocalRedisOptions = {
  /** From findRedisServer. */
  binary: string
  /** Where it runs, and keeps its snapshot and its pid file. Made when missing. One server a folder. */
  dir: string
  /** A free one when absent. */
  port?: number
  /** Whether what it holds outlives it. */
  persist: boolean
  /** How long `stop` waits before it kills. By default long enough for writing a large snapshot. */
  stopLimitMs?: number
  /** Settings of redis.conf beyond our own, `--name` → value. */
  more?: Record<string, string>
  /** Told each line that the server prints. */
  log?: (line: string) => void
  /** Told when it ends unasked, and by what: its exit code or a signal. */
  onUnaskedEnd?: (how: string) => void
}

export type LocalRedis = { url: string; port: number; pid: number; stop(): Promise<void> }

/** The first server that is new enough, in the order in which scripts/setup-redis.mjs looks. `path` is a PATH. */
export function findRedisServer({ path, toolsDir }: { path: string; toolsDir: string }): string | undefined {
  const folders = path.split(delimiter).filter((folder) => folder !== '')
  const onPath = (name: string) => folders.map((folder) => join(folder, name)).find(isExecutable)
  const candidates = [onPath('redis-server'), onPath('valkey-server'), join(toolsDir, 'valkey', 'valkey-server')]
  return candidates.find((file) => file !== undefined && isExecutable(file) && isNewEnough(file))
}

/**
 * Starts a Redis of our own on 127.0.0.1, and resolves when it answers. Rejects when it doesn't within 10 s, when the
 * given port is taken, or when another living process runs its Redis in the same folder.
 * Keeping this process alive is left to others; ending the server before this process ends, to the caller: `stop`. When
 * this process ends without it, the server is told to end as well.
 */
export async function startLocalRedis(options: LocalRedisOptions): Promise<LocalRedis> {
  await mkdir(options.dir, { recursive: true })
  await endLeftover(options.dir)
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort())
    try {
      return await start(options, port)
    } catch (error) {
      const again = error instanceof PortTaken && options.port === undefined && attempt < PORT_ATTEMPTS
      if (!again) throw error
    }
  }
}

class PortTaken extends Error {}

async function start(options: LocalRedisOptions, port: number): Promise<LocalRedis> {
  const { binary, dir, persist, more = {}, stopLimitMs = STOP_LIMIT_MS, log, onUnaskedEnd } = options
  const child = spawn(binary, [...settings(port, persist), ...Object.entries(more).flat()], {
    cwd: dir,
    // A process group of its own: the terminal's Ctrl-C would end it before those who still write to it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    // Redis refuses to start under a locale that the machine doesn't have.
    env: { LC_ALL: 'C' },
  })
  const lastWords = listen(child, log)
  await once(child, 'spawn')
  const pid = Number(child.pid)
  // Not 'exit': what it said last may still be in the pipe then.
  const ended = once(child, 'close').then(() => rm(join(dir, PID_FILE), { force: true }))
  endWithUs(child)
  child.unref()
  await writeFile(join(dir, PID_FILE), `${pid}\n${process.pid}\n`)

  if (!(await answers(child, port))) {
    await end(child, ended, stopLimitMs)
    const said = lastWords.join('\n')
    const message = `Redis did not start on port ${port}:\n${said}`
    throw /already in use/i.test(said) ? new PortTaken(message) : new Error(message)
  }
  let stopped: Promise<void> | undefined
  child.once('exit', (code, signal) => stopped ?? onUnaskedEnd?.(String(signal ?? code)))
  const stop = () => {
    stopped ??= end(child, ended, stopLimitMs)
    return stopped
  }
  return { url: `redis://127.0.0.1:${port}`, port, pid, stop }
}

/** Everything that matters is said here, so that no default of another version or distribution decides it. */
function settings(port: number, persist: boolean): string[] {
  return Object.entries({
    '--port': String(port),
    '--bind': '127.0.0.1',
    '--unixsocket': '',
    '--daemonize': 'no',
    '--loglevel': 'warning',
    // Evicting single keys would make the read models wrong; refusing to write makes them late, which is seen.
    '--maxmemory-policy': 'noeviction',
    '--appendonly': 'no',
    // With any interval set, SIGTERM writes a snapshot.
    '--save': persist ? '3600 1' : '',
    // It ends even when the snapshot can't be written (disk full, folder gone): what it holds can be made again.
    '--shutdown-on-sigterm': 'force',
  }).flat()
}

/** Whether the server answers before it ends or the time is up. Another server on the same port is not taken for it. */
async function answers(child: ChildProcess, port: number): Promise<boolean> {
  const deadline = Date.now() + START_LIMIT_MS
  while (Date.now() < deadline && isRunning(child)) {
    // INFO, unlike PING, says who answers; both work while a snapshot is still being loaded.
    const info = await ask(port, 'INFO server')
    if (info?.includes(`\r\nprocess_id:${child.pid}\r\n`)) return true
    await delay(POLL_MS)
  }
  return false
}

async function end(child: ChildProcess, ended: Promise<void>, limitMs: number): Promise<void> {
  child.ref()
  child.kill('SIGTERM')
  if (await settlesWithin(ended, limitMs)) return
  child.kill('SIGKILL')
  await settlesWithin(ended, KILL_LIMIT_MS)
}

async function settlesWithin(promise: Promise<void>, limitMs: number): Promise<boolean> {
  const timer = new AbortController()
  const late = delay(limitMs, false, { signal: timer.signal }).catch(() => false)
  const inTime = await Promise.race([promise.then(() => true), late])
  timer.abort()
  return inTime
}

/** Passes on what the server prints. Answers its latest lines, kept up to date, for the message of a failed start. */
function listen(child: ChildProcess, log: LocalRedisOptions['log']): string[] {
  const lastWords: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue
    // Pipes are sockets, though their type doesn't say so; an idle one must not keep this process alive.
    if ('unref' in stream && typeof stream.unref === 'function') stream.unref()
    createInterface({ input: stream }).on('line', (line) => {
      lastWords.push(line)
      if (lastWords.length > LAST_WORDS_LINES) lastWords.shift()
      log?.(line)
    })
  }
  return lastWords
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function isNewEnough(server: string): boolean {
  const { stdout } = spawnSync(server, ['--version'], { encoding: 'utf8', timeout: VERSION_LIMIT_MS })
  return Number(/\bv=(\d+)\./.exec(stdout ?? '')?.[1] ?? 0) >= OLDEST_REDIS
}

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Owner } from '../contract/rig.ts'
import { UNHURRIED } from '../support/unhurried.ts'

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts')
const LIMIT_MS = 90_000

/** `users-service` as a process of its own, in a folder of its own. `preloaded`: a module that is loaded before all others. */
export async function startProcess(t: Owner, args: string[], environment: Record<string, string>, preloaded?: string) {
  const dir = await mkdtemp(join(tmpdir(), 'users-service-tracing-'))
  const before = preloaded === undefined ? [] : ['--import', preloaded]
  const child = spawn(process.execPath, [...before, MAIN, ...args], {
    cwd: dir,
    env: {
      PATH: process.env.PATH ?? '',
      DATA_DIR: join(dir, 'data'),
      PORT: '0',
      LOG_FORMAT: 'json',
      ...UNHURRIED,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.err += text
  })
  const closed = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string)
  const late = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS)
  t.after(async () => {
    clearTimeout(late)
    child.kill('SIGKILL')
    await closed
    await rm(dir, { recursive: true, force: true, maxRetries: 5 })
  })
  const found = async (pattern: RegExp): Promise<string> => {
    for (;;) {
      const match = pattern.exec(said.out)?.[1]
      if (match !== undefined) return match
      const more = once(child.stdout, 'data').then(() => true)
      if (!(await Promise.race([more, closed.then(() => false)])) && !pattern.test(said.out))
        throw new Error(`it has ended without ${pattern}: ${said.out} ${said.err}`)
    }
  }
  return {
    said,
    closed,
    dir,
    found,
    /** Of `all`: where it is, and a token that may do everything. */
    async serving() {
      const token = await found(/TOKEN=([\w.-]+)/)
      const base = await found(/users-service is at (http:\S+),/)
      const ask = async (path: string, init: RequestInit = {}) => {
        const headers = { authorization: `Bearer ${token}`, ...(init.headers as Record<string, string>) }
        const answer = await fetch(base + path, { ...init, headers })
        return { status: answer.status, headers: answer.headers, text: await answer.text() }
      }
      const send = (method: string, path: string, body: unknown) =>
        ask(path, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
      return { base, token, ask, send }
    },
    /** As Kubernetes ends it. */
    async stop() {
      child.kill('SIGTERM')
      const code = await closed
      return { code, files: (await readdir(dir)).filter((name) => name !== 'data') }
    },
  }
}

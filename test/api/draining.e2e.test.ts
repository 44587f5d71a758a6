import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { freePort } from '../../src/adapters/redis/free-port.ts'
import { lastFirst } from '../contract/rig.ts'
import { startService, until } from '../support/service.ts'
import { bearer } from '../support/tokens.ts'
import { apiClient } from './client.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const CLIENTS = 24
const BEFORE = 2_000
/** On a machine with much else to do. */
const START_LIMIT_MS = 30_000

type Asked = { result: number | string; last: boolean }
type Client = { agent: Agent; port: number; token: string }
/** One request over a kept connection: its status, or by what code it failed; `last`: the next goes to another replica. */
function ask({ agent, port, token }: Client, path: string): Promise<Asked> {
  return new Promise((resolve) => {
    const headers = { authorization: bearer(token) }
    const asked = request({ agent, port, path, headers, host: '127.0.0.1' }, (answer) => {
      answer.resume()
      answer.on('end', () => resolve({ result: answer.statusCode ?? 0, last: answer.headers.connection === 'close' }))
      answer.on('error', (error: NodeJS.ErrnoException) =>
        resolve({ result: `${error.code} in the answer`, last: true }),
      )
    })
    asked.on('error', (error: NodeJS.ErrnoException) => resolve({ result: error.code ?? error.message, last: true }))
    asked.end()
  })
}

test('a process that is told to stop under load breaks off nothing: every client is told to go elsewhere', {
  timeout: 60_000,
}, async (context) => {
  const t = lastFirst(context)
  const service = await startService()
  t.after(service.close)
  const userId = await (await apiClient(service.app)).somebody()
  await service.built()
  const port = await freePort()
  const env = { ...service.environment, PORT: String(port), LOG_LEVEL: 'warn' }
  const child = spawn(process.execPath, ['src/main.ts', 'serve'], { cwd: ROOT, env, stdio: 'inherit' })
  t.after(() => child.kill('SIGKILL'))
  const ended = once(child, 'exit')
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS })
  t.after(() => agent.destroy())
  const client = { agent, port, token: service.token }
  // The router answers some, the shortcut before it the others.
  const paths = [`/v1/users/${userId}`, `/v1/users/${userId}/permissions`]
  await until('it serves', async () => (await ask(client, paths[0] ?? '')).result === 200, START_LIMIT_MS)
  const results = new Map<number | string, number>()
  let answered = 0
  const clients = Array.from({ length: CLIENTS }, async (_, i) => {
    for (;;) {
      const { result, last } = await ask(client, paths[i % paths.length] ?? '')
      results.set(result, (results.get(result) ?? 0) + 1)
      answered += 1
      if (last) return
    }
  })
  await until('there is load', async () => answered >= BEFORE)
  child.kill('SIGTERM')
  await Promise.all(clients)
  assert.deepEqual(await ended, [0, null])
  context.diagnostic(JSON.stringify([...results]))
  assert.deepEqual([...results.keys()], [200])
})

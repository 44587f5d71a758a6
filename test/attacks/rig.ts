import assert from 'node:assert/strict'
import { Agent, request } from 'node:http'
import type { Method, OpenApi } from '../api/client.ts'
import { type Call, callsOf } from '../api/documented.ts'
import { written } from '../api/written.ts'
import { lastFirst, type Owner } from '../contract/rig.ts'
import { startService, type TestOptions } from '../support/service.ts'
import { bearer } from '../support/tokens.ts'
import { PATIENT } from '../support/unhurried.ts'

/** `lines`: of the head, as they came. */
export type Answer = { status: number; code: string | undefined; text: string; lines: string[]; json(): Body }
// biome-ignore lint/suspicious/noExplicitAny: whatever an answer holds
type Body = any
/** `raw`: bytes in place of a body's JSON. `token` null: none is shown. */
export type Shown = {
  token?: string | null
  headers?: Record<string, string | string[]>
  body?: unknown
  raw?: string | Buffer
}

export type Target = Awaited<ReturnType<typeof startTarget>>

/** The service, listening, under attack by somebody with a token (of whoever may do everything, unless they show another). */
export async function startTarget(owner: Owner, options: TestOptions = {}) {
  const t = lastFirst(owner)
  const service = await startService({ ...options, environment: { ...PATIENT, ...options.environment } })
  t.after(service.close)
  const base = await service.app.listen({ port: 0, host: '127.0.0.1' })
  const agent = new Agent({ keepAlive: true })
  t.after(() => agent.destroy())
  const send = sending(base, agent, service.token)
  const document: OpenApi = (await send('GET', '/docs/json', { token: null })).json()
  const done = async (method: Method, url: string, body?: unknown): Promise<Answer> => {
    const answer = await send(method, url, body === undefined ? {} : { body })
    assert.ok(answer.status < 300, `${method} ${url}: ${answer.text}`)
    return answer
  }
  let people = 0
  return {
    ...{ service, base, send, done, document },
    calls: callsOf(document),
    async somebody(details: object = {}): Promise<number> {
      people += 1
      const names = { username: `target.${people}`, givenName: 'Ann', familyName: 'Lee' }
      return (await done('POST', '/v1/users', { ...names, ...details })).json().userId
    },
    /** All that a command would move. */
    written: async () => ({
      ...(await written(service)),
      settings: await service.query('SELECT switch_name, setting FROM service_switches ORDER BY switch_name'),
    }),
    /** A user, with what the database has of them: columns that no command sets among it. */
    async rows(userId: number) {
      const of = (table: string) => service.query(`SELECT * FROM ${table} WHERE user_id = ?`, userId)
      const tables = ['users', 'user_branches', 'user_roles', 'user_limits', 'user_preferences']
      return Object.fromEntries(await Promise.all(tables.map(async (table) => [table, await of(table)])))
    },
  }
}

function sending(base: string, agent: Agent, own: string) {
  return (method: Method, url: string, { token = own, headers = {}, body, raw }: Shown = {}): Promise<Answer> => {
    const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body))
    const typed =
      payload === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(payload)) }
    const shown = token === null ? {} : { authorization: bearer(token) }
    return new Promise((resolve, reject) => {
      const asked = request(base + url, { method, agent, headers: { ...shown, ...typed, ...headers } }, (answer) => {
        const parts: Buffer[] = []
        answer.on('data', (part) => parts.push(part))
        answer.on('error', reject)
        answer.on('end', () => {
          const text = Buffer.concat(parts).toString()
          const lines = answer.rawHeaders.flatMap((name, i, all) => (i % 2 === 0 ? [`${name}: ${all[i + 1]}`] : []))
          const json = () => JSON.parse(text)
          resolve({ status: answer.statusCode ?? 0, code: codeIn(text), text, lines, json })
        })
      })
      asked.on('error', reject).end(payload)
    })
  }
}

function codeIn(text: string): string | undefined {
  return /^\{"type":"urn:users-service:problem:([a-z-]+)"/.exec(text)?.[1]
}

/** But for what tells one request, or one moment, from another. */
export const comparable = (lines: string[]): string[] =>
  lines.filter((line) => !/^(date|x-request-id|read-age|ratelimit|ratelimit-policy): /i.test(line))

/** The document's own example of a call, of another user. */
export const ofUser = ({ url }: Pick<Call, 'url'>, userId: number | string): string =>
  url.replace('/v1/users/1', `/v1/users/${userId}`)

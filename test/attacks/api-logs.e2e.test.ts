import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { SCOPES } from '../../src/domain/principal.ts'
import { callsOf } from '../api/documented.ts'
import { lastFirst, type Owner } from '../contract/rig.ts'
import { startLegacy } from '../strangler/rig.ts'
import { startIssuer, type TestIssuer } from '../support/issuer.ts'
import { startService, until } from '../support/service.ts'
import { PATIENT } from '../support/unhurried.ts'
import { rawRequest, sendRaw } from './raw.ts'

const ROOT = join(import.meta.dirname, '..', '..')

/** What would be a line of its own, or rule a terminal, if it were written as it comes. */
const FORGED = [
  'x\n{"level":60,"msg":"forged"}',
  'x\r\n[00:00:00.000] ERROR: forged',
  'x","level":60,"msg":"forged","y":"',
  'x"},\n{"level":60,"msg":"forged',
  'x\u001b[2J\u001b[31mforged\u001b[0m',
  'x\u009b31mforged',
  'x\u2028forged\u2029[00:00:00.000] ERROR: forged',
  'x\u0085forged\u000b\u000cforged',
  'x\u0000forged\u0008\u0008\u0008forged',
  'x\\n[00:00:00.000] ERROR: forged',
  'x%0a[00:00:00.000] ERROR: forged',
  'x\u202eforged',
  '%s %o %j %c forged',
  '__proto__',
]
/** Of these a header may be made: the rest no server takes. */
const asHeader = (text: string) => Buffer.from(text.replace(/[\r\n\u0000]/g, '|')).toString('latin1')

type Run = { base: string; lines(): string[]; ended(): Promise<string[]> }

/** The service as a process of its own, whose log is what it has written. */
async function run(t: Owner, environment: Record<string, string>): Promise<Run> {
  const child = spawn(process.execPath, ['src/main.ts', 'serve'], {
    cwd: ROOT,
    env: { PATH: process.env.PATH ?? '', PORT: '0', LOG_LEVEL: 'trace', ...PATIENT, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.after(() => child.kill('SIGKILL'))
  let out = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      out += text
    })
  }
  const closed = once(child, 'close')
  const address = /http:\/\/127\.0\.0\.1:\d+/
  const base = await until(
    'it serves',
    async () => (out.includes('serving') ? address.exec(out)?.[0] : undefined),
    60_000,
  )
  const lines = () => out.split('\n').filter((line) => line !== '')
  return {
    base,
    lines,
    async ended() {
      child.kill('SIGTERM')
      await closed
      return lines()
    },
  }
}

/** Everything that a caller can put somewhere, with each of these texts in it. Answers how many requests were sent. */
async function attack({ base }: Run, issuer: TestIssuer): Promise<number> {
  const scope = SCOPES.join(' ')
  const good = issuer.token({ scope })
  const document = JSON.parse((await sendRaw(base, rawRequest('GET', '/docs/json'))).body)
  const calls = callsOf(document).filter(({ template }) => template.startsWith('/v1'))
  const asked: string[] = []
  for (const text of FORGED) {
    const [inUrl, line] = [encodeURIComponent(text), asHeader(text)]
    const shown = [`Authorization: Bearer ${good}`]
    for (const { method, url, body, parameters, fields } of calls) {
      const json = ['Content-Type: application/json', ...shown]
      const sent = (fields_: object) => Buffer.from(JSON.stringify(fields_)).toString('latin1')
      for (const { name, in: place, example } of parameters) {
        if (place === 'header') continue
        const odd = place === 'path' ? url.replace(`/${example}`, `/${inUrl}`) : `${url}?${name}=${inUrl}`
        asked.push(rawRequest(String(method), odd, json, body === undefined ? '' : sent(body as object)))
      }
      for (const name of Object.keys(fields)) {
        asked.push(rawRequest(String(method), url, json, sent({ ...(body as object), [name]: text })))
        asked.push(rawRequest(String(method), url, json, sent({ ...(body as object), [text]: name })))
      }
    }
    for (const name of [
      'X-Request-Id',
      'User-Agent',
      'Referer',
      'X-Forwarded-For',
      'Forwarded',
      'X-Forwarded-Host',
      'Host',
      'Cookie',
      'Origin',
      'Idempotency-Key',
      'If-Match',
      'If-None-Match',
      'Min-Version',
      'Traceparent',
      'Content-Type',
      'Expect',
      'Upgrade',
      'X-Terminal-Id',
      'X-Client-Subject',
    ])
      asked.push(rawRequest('POST', '/v1/users/1/suspend', [...shown, `${name}: ${line}`]))
    for (const authorization of [line, `Bearer ${line}`, `Basic ${line}`])
      asked.push(rawRequest('GET', '/v1/users/1', [`Authorization: ${authorization}`]))
    for (const claims of [
      { sub: text },
      { sub: `admin ${asHeader(text)}` },
      { client_id: text },
      { scope: text },
      { branches: [text] },
      { iss: text },
      { aud: text },
      { jti: text },
    ])
      asked.push(rawRequest('GET', '/v1/users/1', [`Authorization: Bearer ${issuer.token({ scope, ...claims })}`]))
    for (const header of [{ kid: text }, { alg: text }, { typ: text }])
      asked.push(rawRequest('GET', '/v1/users/1', [`Authorization: Bearer ${issuer.token({ scope }, { header })}`]))
    for (const path of [`/${inUrl}`, `/v1/${inUrl}`, `/users/${inUrl}/`, `/x?${inUrl}`])
      asked.push(rawRequest('GET', path, shown))
    asked.push(
      rawRequest('GET', `/${line.replaceAll(' ', '')}`, shown),
      rawRequest(line.replaceAll(/[^!-~]/g, ''), '/', shown),
      line,
    )
  }
  // A few at a time, each over a connection of its own.
  for (let i = 0; i < asked.length; i += 20) await Promise.all(asked.slice(i, i + 20).map((one) => sendRaw(base, one)))
  return asked.length
}

async function stage(t: Owner) {
  const issuer = await startIssuer()
  t.after(issuer.close)
  const legacy = await startLegacy(t)
  const token = issuer.token({ scope: SCOPES.join(' ') })
  const environment = { ...issuer.environment, ...PATIENT, LEGACY_URL: legacy.url, TRUSTED_PROXIES: '127.0.0.1' }
  const service = await startService({ worker: false, environment, token })
  t.after(service.close)
  await service.app.inject({
    method: 'POST',
    url: '/v1/users',
    payload: { username: 'zofia.wojcik', givenName: 'Zofia', familyName: 'Lee' },
  })
  return { issuer, environment: { ...environment, ...service.environment } }
}

const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/
const KNOWN_LEVELS = [10, 20, 30, 40, 50]

test('in the JSON log every line is one that the service wrote, whatever is sent', async (context) => {
  const t = lastFirst(context)
  const { issuer, environment } = await stage(t)
  const service = await run(t, { ...environment, LOG_FORMAT: 'json' })
  const asked = await attack(service, issuer)
  const lines = await service.ended()
  const counted = new Map<string, number>()
  for (const line of lines) {
    assert.doesNotMatch(line, CONTROLS)
    const entry = JSON.parse(line) as { level: number; msg: string; service: string; requestId?: string }
    assert.equal(entry.service, 'users-service', line)
    assert.ok(KNOWN_LEVELS.includes(entry.level) && entry.level < 50, line)
    assert.doesNotMatch(entry.msg, /forged|%/, line)
    // What is said twice in one line is read as whoever reads it likes.
    for (const key of ['"level":', '"msg":', '"requestId":', '"time":'])
      assert.ok(line.split(/(?<!\\)("(?:[^"\\]|\\.)*":)/).filter((part) => part === key).length <= 1, line)
    if (entry.requestId !== undefined) assert.match(entry.requestId, /^[A-Za-z0-9._-]{1,64}$/)
    counted.set(entry.msg, (counted.get(entry.msg) ?? 0) + 1)
  }
  assert.ok(asked > 1_000)
  // They came as far as routes and checks, and each is one line of its kind.
  const [answered = 0, refused = 0] = [counted.get('answered'), counted.get('refused')]
  assert.ok(answered > asked / 2 && answered <= asked + 1, `${answered} of ${asked}: ${JSON.stringify([...counted])}`)
  assert.ok(refused > 50)
})

test('in the log for people every line begins as the service begins them, or belongs to the one before', async (context) => {
  const t = lastFirst(context)
  const { issuer, environment } = await stage(t)
  const service = await run(t, { ...environment, LOG_FORMAT: 'pretty' })
  const asked = await attack(service, issuer)
  const lines = await service.ended()
  const own = /^\[\d\d:\d\d:\d\d\.\d{3}\] (TRACE|DEBUG|INFO|WARN): [^\n]+$/
  const detail = /^ {4}[A-Za-z]+: (?:"(?:[^"\\]|\\.)*"|-?[\d.]+|null|true|false|[[{].*)$/
  let answered = 0
  for (const line of lines) {
    assert.doesNotMatch(line, CONTROLS, JSON.stringify(line))
    assert.ok(own.test(line) || detail.test(line) || /^ {4,}\S/.test(line), JSON.stringify(line))
    if (own.test(line)) assert.doesNotMatch(line, /forged/)
    if (line.endsWith(' answered')) answered += 1
  }
  assert.ok(answered > asked / 2 && answered <= asked + 1, `${answered} of ${asked}`)
})

import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { after, before, describe, type TestContext, test } from 'node:test'
import type { LegacyCopy } from '../../../src/ports/strangler.ts'
import type { Passed } from '../../../src/strangler/proxy/legacy-application.ts'
import { caseId, type Family } from './case.ts'
import { allCases } from './cases.ts'
import type { Outcome } from './compare.ts'
import { type Changes, forwarder } from './forwarder.ts'
import { startLegacyFixture } from './legacy-fixture.ts'
import { digested } from './message.ts'
import { notKept } from './owed.ts'
import { bytes, ours, type ProxyUnderTest, withLegacyApplication } from './proxies.ts'
import { answersOf, runTable } from './run-table.ts'
import { judged, kindsOf, nameOf, reasonsOf, tableOf } from './tally.ts'
import { wholeService } from './whole-service.ts'

const COPIED_BYTES = 262_144
/** Another one tries other cases. */
const SEED = Number(process.env.TEST_SEED ?? 8)
const cases = allCases(SEED)
let fixture: Awaited<ReturnType<typeof startLegacyFixture>>
let direct: Outcome[]
before(async () => {
  fixture = await startLegacyFixture(answersOf(cases))
  direct = (await runTable(cases, fixture, fixture.port)).outcomes
})
after(() => fixture?.close())

async function through<Result>(proxy: ProxyUnderTest, work: (port: number) => Promise<Result>): Promise<Result> {
  try {
    return await work(proxy.port)
  } finally {
    await proxy.close()
  }
}

test('asked directly, the legacy application answers each request once, and whole', (t) => {
  t.diagnostic(`seed ${SEED}, ${cases.length} cases`)
  assert.ok(cases.length > 400)
  for (const [i, { family, name, asks }] of cases.entries()) {
    const { heard, received = [] } = direct[i] ?? {}
    const what = `${family}: ${name}`
    assert.equal(heard?.isTimedOut, false, what)
    assert.equal(heard?.surplus, '', what)
    assert.deepEqual(
      [heard?.answers.length, ...received.map(({ length }) => length)],
      [asks.length, ...asks.map(() => 1)],
      what,
    )
    assert.ok(
      [...(heard?.answers ?? []), ...received.flat()].every(({ body }) => body.isWhole),
      what,
    )
  }
})

test('a forwarder of bytes makes no difference: the table itself is sound', async () => {
  const proxied = await through(await bytes(fixture.url), (port) => runTable(cases, fixture, port))
  const all = judged(cases, direct, proxied.outcomes)
  assert.deepEqual(all.filter(({ verdict }) => verdict !== 'equal').map(nameOf), [])
  assert.deepEqual(proxied.strays, [])
})

/** Our proxy, alone or with what stands before it. */
async function isTheSame(t: TestContext, proxy: ProxyUnderTest): Promise<Outcome[]> {
  const proxied = await through(proxy, (port) => runTable(cases, fixture, port))
  const all = judged(cases, direct, proxied.outcomes)
  for (const line of [...tableOf(all), ...reasonsOf(all), ...kindsOf(all)]) t.diagnostic(line)
  assert.deepEqual(all.filter(({ verdict }) => verdict === 'different').map(nameOf), [])
  assert.deepEqual(proxied.strays, [], 'no request comes that nobody has sent')
  const faults = cases.flatMap(({ family, name }, i) => {
    const [without, one] = [direct[i], proxied.outcomes[i]]
    if (without === undefined || one === undefined) return []
    return notKept(without, one).map((fault) => `${family}: ${name}: ${fault}`)
  })
  assert.deepEqual(faults, [])
  return proxied.outcomes
}

test('through our proxy, requests and answers are what they are without it', async (t) => {
  await isTheSame(t, await ours(fixture.url))
})

test('and so they are through the whole service', async (t) => {
  await isTheSame(t, await wholeService(fixture.url))
})

test('and while answers are copied, and the copies are what the client has got', async (t) => {
  const copies = new Map<string, LegacyCopy>()
  const onPassed = ({ headers }: IncomingMessage, passed: Passed) => {
    if (passed.outcome === 'answered' && passed.copy !== null) copies.set(String(headers['x-case']), passed.copy)
  }
  const outcomes = await isTheSame(
    t,
    await withLegacyApplication(fixture.url, { copyUpToBytes: COPIED_BYTES, onPassed }),
  )
  const got = outcomes.flatMap(({ heard }, i) =>
    heard.answers.flatMap((answer, j) => {
      const copy = copies.get(caseId(i, j))
      return copy === undefined ? [] : [{ what: `${cases[i]?.family}: ${cases[i]?.name}`, answer, copy }]
    }),
  )
  // All but the large ones, and those that are cut short by early answers or tunnels.
  assert.ok(got.length > cases.length * 0.9, `${got.length} copies`)
  for (const { what, answer, copy } of got) {
    assert.ok(copy.body.length <= COPIED_BYTES, what)
    assert.deepEqual([copy.status, digested([copy.body], true).sha256], [answer.status, answer.body.sha256], what)
  }
})

/** The fault, what makes it, in which family it is found, and as what. */
type Planted = [fault: string, changes: Changes, family: Family, kind: string]
const PLANTED: Planted[] = [
  ...onAnswers([
    ['a status', 'HTTP/1.1 409', 'HTTP/1.1 500', 'statuses', 'status'],
    ['a reason phrase', ' Fine\r\n', ' OK\r\n', 'statuses', 'reason phrase'],
    ['the case of a header', '\r\nETAG:', '\r\netag:', 'answer headers', 'answer header case'],
    ['the order of headers', 'X-A: 1\r\nX-A: 2', 'X-A: 2\r\nX-A: 1', 'answer headers', 'answer header order'],
    ['one Set-Cookie of many', /Set-Cookie: c7=.*\r\n/, '', 'answer headers', 'answer headers joined or dropped'],
    ['a Location', 'Location: ../b', 'Location: /b', 'statuses', 'answer header value'],
    ['no Server', 'Server: gunicorn\r\n', '', 'targets', 'answer header lost'],
    ['a Date of its own', /^(HTTP.1.1 201 .*\r\n)/, '$1Date: now\r\n', 'statuses', 'answer header added'],
    ['a byte of a body', '"id": 1', '"id": 2', 'methods', 'answer body'],
    ['no 103', /HTTP.1.1 103(?:.|\n|\r)*?\r\n\r\n/g, '', 'interim and early answers', 'interim answers'],
    ['no 100', /HTTP.1.1 100 Continue\r\n\r\n/, '', '100-continue', 'interim answers'],
    ['a byte of a frame', 'hello', 'hallo', 'upgrades', 'bytes after 101'],
    ['another protocol', 'Upgrade: websocket', 'Upgrade: other', 'upgrades', 'protocol'],
    [
      'an answer too many',
      /^HTTP.1.1 410/,
      'HTTP/1.1 410 A\r\nContent-Length: 0\r\n\r\n$&',
      'statuses',
      'surplus bytes',
    ],
  ]),
  ...onRequests([
    ['a method', /^PURGE/, 'GET', 'methods', 'method'],
    ['a target that is tidied up', '/a/../b', '/b', 'targets', 'target'],
    ['a decoded slash', /^GET .a%2F/, 'GET /a/', 'targets', 'target'],
    ['the case of a header', 'uSER-aGENT', 'User-Agent', 'request headers', 'request header case'],
    ['joined cookies', 'a=1\r\nCookie: b=2', 'a=1; b=2', 'request headers', 'request headers joined or dropped'],
    ['a Host of its own', 'Host: LEGACY.example', 'Host: legacy.example', 'request headers', 'request header value'],
    ['a byte of a body', '{"a":1}', '{"a":2}', 'methods', 'request body'],
    [
      'a length in place of chunks',
      /Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n/,
      'Content-Length: 0\r\n\r\n',
      'request bodies',
      'request framing',
    ],
    ['a request twice', /^UNLOCK .*\r\n\r\n$/s, '$&$&', 'methods', 'requests received'],
  ]),
]

type Replaced = [fault: string, from: string | RegExp, to: string, family: Family, kind: string]
function onAnswers(rows: Replaced[]): Planted[] {
  return rows.map(([fault, from, to, ...found]) => [fault, { answer: (text) => text.replace(from, to) }, ...found])
}
function onRequests(rows: Replaced[]): Planted[] {
  return rows.map(([fault, from, to, ...found]) => [
    `${fault} of a request`,
    { request: (text) => text.replace(from, to) },
    ...found,
  ])
}

/** What each family is without a proxy: the same whoever asks. */
const without = new Map<Family, Outcome[]>()

/** One family alone, directly and through a proxy. */
async function tried(family: Family, start: (legacyUrl: string) => Promise<ProxyUnderTest>) {
  const some = cases.filter((one) => one.family === family)
  const alone = await startLegacyFixture(answersOf(some))
  try {
    const directly = without.get(family) ?? (await runTable(some, alone, alone.port)).outcomes
    without.set(family, directly)
    const proxied = (await through(await start(alone.url), (port) => runTable(some, alone, port))).outcomes
    return { without: directly, proxied, all: judged(some, directly, proxied) }
  } finally {
    await alone.close()
  }
}

describe('a proxy with one fault is found out', () => {
  for (const [fault, changes, family, kind] of PLANTED) {
    test(fault, async () => {
      const { all } = await tried(family, (url) => forwarder(url, changes))
      const different = all.filter(({ verdict }) => verdict === 'different')
      const kinds = different.flatMap(({ found }) => found.map((one) => one.kind))
      assert.ok(kinds.includes(kind), `${kind} among ${different.map(nameOf).join('\n')}`)
    })
  }
})

/** What stands in a request behind our proxy, and what it would be with the fault. */
const NOT_KEPT: [what: string, from: string | RegExp, to: string][] = [
  ['Via names us last', /\r\nVia: .*/, ''],
  ['X-Forwarded-For', /(X-Forwarded-For: )/i, '$11.2.3.4, '],
  ['X-Forwarded-Proto', /X-Forwarded-Proto: http\r/i, 'X-Forwarded-Proto: https\r'],
  ['X-Forwarded-Host', /(X-Forwarded-Host: )/i, '$1x'],
  ['X-Forwarded-Port', /\r\nX-Forwarded-Port: \d+/i, ''],
  ['Forwarded', /(\r\nForwarded: )/i, '$1for=1.2.3.4, '],
  ['X-Request-Id, one', /\r\nX-Request-Id: .*/i, '$&$&'],
  ['no keep-alive', /\r\nVia:/, '\r\nKeep-Alive: timeout=5$&'],
  ['no x-hop, which Connection named', /\r\nVia:/, '\r\nX-Hop: a$&'],
]

describe('what our proxy owes beside passing on is looked at', () => {
  for (const [what, from, to] of NOT_KEPT) {
    test(what, async (t) => {
      const start = async (legacyUrl: string) => {
        const faulty = await forwarder(legacyUrl, { request: (text) => text.replace(from, to) })
        t.after(() => faulty.close())
        return ours(`http://127.0.0.1:${faulty.port}`)
      }
      const { without, proxied } = await tried('request headers', start)
      const faults = proxied.flatMap((outcome, i) => notKept(without[i] ?? outcome, outcome))
      assert.ok(
        faults.some((fault) => fault.startsWith(what)),
        faults.join('\n'),
      )
    })
  }

  test('who answered', async (t) => {
    const start = async (legacyUrl: string) => {
      const proxy = await ours(legacyUrl)
      t.after(() => proxy.close())
      const answer = (text: string) => text.replace(/\r\nAnswered-By: .*/i, '')
      return forwarder(`http://127.0.0.1:${proxy.port}`, { answer })
    }
    const { without, proxied } = await tried('HEAD', start)
    assert.ok(proxied.every((outcome, i) => notKept(without[i] ?? outcome, outcome).includes('Answered-By: legacy')))
  })
})

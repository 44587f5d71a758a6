import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { branchesService, describeBranches } from '../../../src/adapters/http/branches-service.ts'
import { guardedClient } from '../../../src/adapters/http/guarded-client.ts'
import { describePeople, peopleService } from '../../../src/adapters/http/people-service.ts'
import { CONTRACTS, SERVICE, temporaryPact } from '../kept.ts'
import { everyLeaf, type Json, type JsonObject, withLeaf, withoutLeaf } from '../leaves.ts'
import { askedBy, JSON_HEADERS } from './neighbour.ts'
import { passedOn } from './passed-on.ts'

// A provider cannot be asked to answer wrongly: none of this is in a contract. It is what the contracts stand on: each
// field that they name is one without which we take no answer, and what they do not name is nothing to us.

const NEIGHBOURS = {
  'branches-service': {
    asked: 'a question about a branch that there is, and one that there is not',
    answer: (url: string): Promise<Ended> =>
      askedBy({
        open: (limits, deps) => guardedClient(describeBranches(url, limits), deps),
        ask: (client, caller) => branchesService(client).branches(['B001', 'X-1'], caller),
      }),
  },
  'people-service': {
    asked: 'a question when somebody is on leave until a day',
    answer: (url: string): Promise<Ended> =>
      askedBy({
        open: (limits, deps) => guardedClient(describePeople(url, limits), deps),
        ask: (client, caller) => peopleService(client).employment('E-0000001', caller),
      }),
  },
}
type Ended = { answer?: unknown; reason?: string; attempts: number }
type Neighbour = keyof typeof NEIGHBOURS
type Answer = { status?: number; headers?: Record<string, string>; body: Json }
type Request = { method: string; path: string; query?: Record<string, string[]> }

/** The example of an interaction that is committed. */
function agreedOn(neighbour: Neighbour): { request: Request; body: JsonObject } {
  const { interactions } = JSON.parse(readFileSync(join(CONTRACTS, 'pacts', `${SERVICE}-${neighbour}.json`), 'utf8'))
  const wanted = NEIGHBOURS[neighbour].asked
  const { request, response } = interactions.find((one: { description: string }) => one.description === wanted)
  return { request, body: response.body.content }
}

for (const neighbour of Object.keys(NEIGHBOURS) as Neighbour[]) {
  const { pact } = temporaryPact({ consumer: SERVICE, provider: neighbour })
  const { request, body } = agreedOn(neighbour)
  let tried = 0
  const answered = ({ status = 200, headers = JSON_HEADERS, body: given }: Answer) => {
    tried += 1
    const { method, path, query = {} } = request
    return pact
      .addInteraction()
      .uponReceiving(`try ${tried}`)
      .withRequest(method, path, (one) => one.query(query))
      .willRespondWith(status, (response) => response.headers(headers).jsonBody(given))
      .executeTest<Ended>(({ url }) => NEIGHBOURS[neighbour].answer(url))
  }
  const refused = async (what: string, answer: Answer) =>
    assert.deepEqual(await answered(answer), { reason: 'wrong-answer', attempts: 1 }, what)

  test(`${neighbour}: an answer that lacks a field, or has another type in one, is none`, async () => {
    const leaves = [...everyLeaf(body)]
    assert.ok(leaves.length >= 5)
    for (const leaf of leaves) {
      await refused(`without ${leaf.join('.')}`, { body: withoutLeaf(body, leaf) })
      await refused(`another type in ${leaf.join('.')}`, { body: withLeaf(body, leaf, { not: 'agreed' }) })
    }
  })

  test(`${neighbour}: more fields than are agreed on are passed over, wherever they are`, async () => {
    const { answer: agreed } = (await answered({ body })) ?? assert.fail()
    const more = JSON.parse(JSON.stringify(body), (_, value) =>
      typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value, addedLater: [1] } : value,
    )
    assert.notDeepEqual(more, body)
    assert.deepEqual((await answered({ body: more }))?.answer, agreed)
    assert.ok(agreed)
  })

  test(`${neighbour}: an answer about somebody else, of another type or with another status is none`, async () => {
    const other = JSON.parse(JSON.stringify(body).replaceAll('B001', 'B002').replaceAll('E-0000001', 'E-0000002'))
    await refused('about another one', { body: other })
    await refused('no JSON', { headers: { 'Content-Type': 'text/html' }, body })
    await refused('a 404 of somebody in between', { status: 404, body: { code: 'no-such-route' } })
    await refused('a list', { body: [body] })
  })
}

// The proxy to the legacy application reads no answer: what is wrong in one is its client's to see, as if nobody were in
// between. One that breaks off never looks whole: test/strangler/proxy/faults.component.test.ts.
const ODD = [
  [200, 'text/html', '<h1>Sign in</h1>'],
  [200, 'application/json', '{"id": "no number"'],
  [404, 'application/json', '[]'],
  [418, 'text/plain', 'I am a teapot.'],
] as const
const legacy = temporaryPact({ consumer: SERVICE, provider: 'legacy' }).pact

for (const [status, type, text] of ODD) {
  test(`legacy: ${status} with ${text} goes back as it is`, async (t) => {
    await legacy
      .addInteraction()
      .uponReceiving(`a question that is answered with ${text}`)
      .withRequest('GET', '/users/42/')
      .willRespondWith(status, (response) => response.body(type, Buffer.from(text)))
      .executeTest(async ({ url }) => {
        const { status: had, headers, body } = await passedOn(t, url, '/users/42/')
        assert.deepEqual([had, headers.get('content-type'), body], [status, type, text])
      })
  })
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as branches from '../../../src/adapters/http/branches-service.ts'
import * as people from '../../../src/adapters/http/people-service.ts'
import { importWith } from '../../support/plant.ts'
import { SERVICE, temporaryPact } from '../kept.ts'
import { passedOn } from './passed-on.ts'
import { type Answer, agreedOn, branchesBy, employmentBy, type Neighbour, wrongAnswers } from './wrong.ts'

// A provider cannot be asked to answer wrongly: none of this is in a contract. It is what the contracts stand on: each
// field that they name is one without which we take no answer, and what they do not name is nothing to us.

const OURS = { 'branches-service': branchesBy(branches), 'people-service': employmentBy(people) }

for (const neighbour of Object.keys(OURS) as Neighbour[]) {
  const [{ request, body }] = agreedOn(neighbour)
  const { ended, taken } = wrongAnswers(neighbour)
  const ask = OURS[neighbour]
  const refused = async (what: string, answer: Answer) =>
    assert.deepEqual(await ended(ask, request, answer), { reason: 'wrong-answer', attempts: 1 }, what)

  test(`${neighbour}: an answer that lacks a field, or has another type in one, is none`, async () => {
    assert.deepEqual(await taken(ask), [])
  })

  test(`${neighbour}: more fields than are agreed on are passed over, wherever they are`, async () => {
    const { answer: agreed } = await ended(ask, request, { body })
    const more = JSON.parse(JSON.stringify(body), (_, value) =>
      typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value, addedLater: [1] } : value,
    )
    assert.notDeepEqual(more, body)
    assert.deepEqual((await ended(ask, request, { body: more })).answer, agreed)
    assert.ok(agreed)
  })

  test(`${neighbour}: an answer about somebody else, of another type or with another status is none`, async () => {
    const [asked = ''] = /[BE]-?[0-9]{3,}/.exec(`${request.path} ${request.query?.ids}`) ?? []
    await refused('about another one', { body: JSON.parse(JSON.stringify(body).replaceAll(asked, 'E-0004711')) })
    await refused('no JSON', { headers: { 'Content-Type': 'text/html' }, body })
    await refused('a 404 of somebody in between', { status: 404, body: { code: 'no-such-route' } })
    await refused('a list', { body: [body] })
  })
}

// Clients that would do without what the contract names: each is told from ours.
const NOTHING_ELSE = /^$/
/** `of`: what the fault is appended to. */
const LAX: [field: string, neighbour: Neighbour, of: string, otherwise: string][] = [
  ['manager', 'people-service', '.min(1), name: AgreedText }).nullable()', 'null'],
  ['leave', 'people-service', 'until: z.iso.date().nullable() }).nullable()', 'null'],
  ['leave.until', 'people-service', 'until: z.iso.date().nullable()', 'null'],
  ['branches.openingHours', 'branches-service', '.max(MOST_OPENINGS)', '[]'],
  ['branches.phone', 'branches-service', 'phone: AgreedText.nullable()', 'null'],
  ['branches', 'branches-service', '.max(MAX_BRANCHES_A_CALL)', '[]'],
]

for (const [field, neighbour, of, otherwise] of LAX) {
  const { taken } = wrongAnswers(neighbour)
  test(`${neighbour}: a client that would do without ${field} is found`, async () => {
    const fault = { file: `src/adapters/http/${neighbour}.ts`, from: of, to: `${of}.default(${otherwise})` }
    const lax = await importWith<typeof branches & typeof people>(fault, fault.file, NOTHING_ELSE)
    const found = await taken(neighbour === 'people-service' ? employmentBy(lax) : branchesBy(lax))
    assert.ok(found.length > 0)
    for (const one of found) assert.equal(one.replace(/\.[0-9]+\./g, '.').split(': without ')[1], field)
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

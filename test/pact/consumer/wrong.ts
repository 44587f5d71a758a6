import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type * as branches from '../../../src/adapters/http/branches-service.ts'
import { guardedClient } from '../../../src/adapters/http/guarded-client.ts'
import type * as people from '../../../src/adapters/http/people-service.ts'
import { CONTRACTS, SERVICE, temporaryPact } from '../kept.ts'
import { everyNode, isField, type Json, type JsonObject, valueAt, withoutField, withValue } from '../nodes.ts'
import { askedBy, JSON_HEADERS } from './neighbour.ts'

type Request = { method: string; path: string; query?: { ids: string[] } }
type Example = { description: string; request: Request; body: JsonObject }
type Ended = { answer?: unknown; reason?: string; attempts: number }
export type Answer = { status?: number; headers?: Record<string, string>; body: Json }
type Ask = (url: string, request: Request) => Promise<Ended>

export const branchesBy =
  ({ describeBranches, branchesService }: typeof branches): Ask =>
  (url, { query }) =>
    askedBy({
      open: (limits, deps) => guardedClient(describeBranches(url, limits), deps),
      ask: (client, caller) => branchesService(client).branches((query?.ids[0] ?? '').split(','), caller),
    })
export const employmentBy =
  ({ describePeople, peopleService }: typeof people): Ask =>
  (url, { path }) =>
    askedBy({
      open: (limits, deps) => guardedClient(describePeople(url, limits), deps),
      ask: (client, caller) => peopleService(client).employment(path.split('/').at(-1) ?? '', caller),
    })
export type Neighbour = 'branches-service' | 'people-service'

/** The examples of answers that are committed: of all, since a field that is null in one is an object in another. */
export function agreedOn(neighbour: Neighbour): [Example, ...Example[]] {
  const { interactions } = JSON.parse(readFileSync(join(CONTRACTS, 'pacts', `${SERVICE}-${neighbour}.json`), 'utf8'))
  const [first, ...more] = interactions.flatMap(({ description, request, response }: Interaction) =>
    response.status === 200 ? [{ description, request, body: response.body.content }] : [],
  )
  assert.ok(first && more.length > 0)
  return [first, ...more]
}
type Interaction = {
  description: string
  request: Request
  response: { status: number; body: { content: JsonObject } }
}

/**
 * How a question ends that is answered so, with Pact's mock server in the neighbour's place. For some hundred of them: Pact
 * writes all that were tried anew after each.
 */
export function wrongAnswers(neighbour: Neighbour) {
  const { pact } = temporaryPact({ consumer: SERVICE, provider: neighbour })
  let tried = 0
  const ended = async (ask: Ask, request: Request, { status = 200, headers = JSON_HEADERS, body }: Answer) => {
    tried += 1
    const { method, path, query = {} } = request
    const end = await pact
      .addInteraction()
      .uponReceiving(`try ${tried}`)
      .withRequest(method, path, (one) => one.query(query))
      .willRespondWith(status, (response) => response.headers(headers).jsonBody(body))
      .executeTest<Ended>(({ url }) => ask(url, request))
    return end ?? assert.fail('nobody was asked')
  }

  /** Which wrong answers a client takes: each field taken away, and each value, in lists as well, of another type. */
  const taken = async (ask: Ask): Promise<string[]> => {
    const found: string[] = []
    for (const { description, request, body } of agreedOn(neighbour)) {
      for (const [what, given] of wrongOnes(body)) {
        const { reason, attempts } = await ended(ask, request, { body: given })
        if (reason !== 'wrong-answer') found.push(`${description}: ${what}`)
        else assert.equal(attempts, 1)
      }
    }
    return found
  }
  return { ended, taken }
}

function wrongOnes(body: JsonObject): [what: string, Json][] {
  const nodes = [...everyNode(body)]
  assert.ok(nodes.length >= 5)
  return [
    ...nodes.filter(isField).map((path): [string, Json] => [`without ${path.join('.')}`, withoutField(body, path)]),
    ...nodes.map((path): [string, Json] => [
      `another type in ${path.join('.')}`,
      withValue(body, path, otherThan(valueAt(body, path))),
    ]),
  ]
}

/** Of another type than anything that is agreed on, and than an object where that is. */
const otherThan = (value: Json): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? 'not agreed' : { not: 'agreed' }

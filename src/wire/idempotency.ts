import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Principal } from '../domain/principal.ts'
import type { Answer } from './answer.ts'

/**
 * The draft has a String of RFC 8941 (section 3.3.3), in quotes; most clients send the bare text, which is what an older
 * release took. `"k"` and `k` are one key. Visible characters only: two header lines come as one with a space in it.
 */
const BARE = /[\x21\x23-\x7e][\x21-\x7e]{0,127}/
const QUOTED = /"(?:[\x21\x23-\x5b\x5d-\x7e]|\\["\\]){1,128}"/
const KEY = new RegExp(`^(?:${BARE.source}|${QUOTED.source})$`)

/** Of every POST (draft-ietf-httpapi-idempotency-key-header-07). The other methods are idempotent by themselves. */
export const IdempotencyKey = {
  'idempotency-key': z
    .string()
    .regex(KEY, 'must be 1 to 128 visible ASCII characters, in quotes or without')
    .optional()
    .meta({
      description: [
        'Made up by the caller for one command: a repeat with the same key and content gets the first one’s answer, and is',
        'not carried out again. While the first is under way it is 409 `idempotency-key-in-use`, with Retry-After; with',
        'other content it is 422. What was refused may be repeated. A key is forgotten after a day, unless the service is',
        'set up otherwise.',
      ].join(' '),
    }),
}

/** What is needed of a request; Fastify's own is one. */
type Asked = {
  method: string
  routeOptions: { url?: string | undefined; schema?: object }
  params: unknown
  query: unknown
  body?: unknown
  headers: { 'idempotency-key'?: string | undefined }
  principal: Pick<Principal, 'subject' | 'client'> | null
}
type Done = { userId: number; version: number }
/** As the ports have it, which this layer does not know. */
type Stored = { status: number; headers: Record<string, string>; body: string }
type Idempotency = { key: string; requestHash: string; answer(done: Done): Stored }

/**
 * `answerOf`: what a command that was done is answered with. `idempotency` is for the command; `answer` makes what is sent
 * out of what came of it, be it this request's or, byte for byte, that of an earlier one. What is of the moment is not kept.
 */
export function onceAKey(asked: Asked, answerOf: (done: Done) => Answer) {
  const storedOf = (done: Done): Stored => {
    const { status, headers, body } = answerOf(done)
    return { status, headers, body: String(body ?? '') }
  }
  return {
    idempotency: idempotencyOf(asked, storedOf),
    answer({ userId, version, visible, answer }: Done & { visible: boolean; answer?: Stored }): Stored {
      const { headers, ...sent } = answer ?? storedOf({ userId, version })
      return { ...sent, headers: visible ? headers : { ...headers, visibility: 'pending' } }
    },
  }
}

/** Null: the caller named no key. */
export function idempotencyOf(asked: Asked, answer: Idempotency['answer']): Idempotency | null {
  const header = asked.headers['idempotency-key']
  if (header === undefined) return null
  const { method, principal, routeOptions, params, query, body } = asked
  if (principal === null) throw new Error(`${method} ${routeOptions.url} takes keys of nobody`)
  // A route that declares no body has looked at none.
  const understood = 'body' in (routeOptions.schema ?? {}) ? body : null
  return {
    key: digestOf([principal.client, principal.subject, bareKey(header)]),
    requestHash: digestOf([method, routeOptions.url, params, query, understood]),
    answer,
  }
}

function bareKey(header: string): string {
  return header.startsWith('"') ? header.slice(1, -1).replaceAll(/\\(["\\])/g, '$1') : header
}

/** Of what was understood, not of the bytes: white space and the order of fields make no other request. */
function digestOf(parts: unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts, inOrder)).digest('hex')
}

function inOrder(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

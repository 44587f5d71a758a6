import type { Redis } from 'ioredis'
import type { Bare } from './bare.ts'
import { get, put } from './load/connection.ts'
import type { Load, Question } from './load/load.ts'
import { type Asked, type Learned, learn, learnHot, type People } from './people.ts'
import type { Data, Service } from './stage.ts'

export const CASES = {
  bare: 'a bare `node:http` server that answers the bytes of one hot answer',
  near: 'GET /v1/users/{userId} over the hot users, out of the near cache',
  'near-not-modified': 'the same with If-None-Match: 304',
  hot: 'GET /v1/users/{userId} over the hot users, read from Redis (NEAR_CACHE_BYTES=0)',
  'not-modified': 'the same with If-None-Match: 304 (NEAR_CACHE_BYTES=0)',
  miss: 'GET /v1/users/{userId} of users whose entries were deleted from Redis before the round, each asked once (NEAR_CACHE_BYTES=0)',
  permission: 'GET /v1/users/{userId}/permissions/receipt.void?branchId={home} over the hot users (NEAR_CACHE_BYTES=0)',
  write: 'PUT /v1/users/{userId}/preferences/bench, a new value each, each user once a round',
} as const
export type CaseName = keyof typeof CASES

export type Case = {
  name: CaseName
  /** Of the process that answers. */
  pid: number
  port: number
  once: boolean
  /** Called before each round, outside of what is measured. */
  prepare(round: number): Promise<Question[]>
}

const KEYS_A_COMMAND = 1_000

type Given = { data: Data; service: Service; bare: Bare; people: People; hot: Learned[]; redis: Redis }

/** All cases; the bare one first, because the others are compared with it. */
export async function makeCases({ data, service, bare, people, hot, redis }: Given): Promise<Case[]> {
  const serving = { pid: service.serve.pid, port: service.port }
  const fromRedis = { pid: service.withoutNear.serve.pid, port: service.withoutNear.port }
  const { credentials } = data
  const permissions = await learnPermissions({ ...fromRedis, headers: credentials }, people)
  const fixed = (questions: Question[]) => async () => questions
  const write = async (round: number) => {
    const body = { value: `round ${round}` }
    return people.written.map((userId) => ({
      ...ok(put(`/v1/users/${userId}/preferences/bench`, body, credentials), `{"userId":${userId},`, null),
      whole: false,
    }))
  }
  const miss = async () => {
    for (let from = 0; from < people.missed.length; from += KEYS_A_COMMAND) {
      await redis.unlink(people.missed.slice(from, from + KEYS_A_COMMAND).map(data.keys.user))
    }
    return people.missed.map((userId) => ({
      ...ok(get(`/v1/users/${userId}`, credentials), `{"userId":${userId},`, 'database'),
      whole: false,
    }))
  }
  const notModified = hot.map(({ path, etag }) => ({
    ...ok(get(path, { ...credentials, 'if-none-match': etag }), '', 'cache'),
    status: 304,
  }))
  return [
    {
      name: 'bare',
      pid: bare.running.pid,
      port: bare.port,
      once: false,
      prepare: fixed(hot.map(({ path }) => ok(get(path, credentials), bare.body, 'cache'))),
    },
    { ...serving, name: 'near', once: false, prepare: fixed(asLearned(hot, credentials)) },
    { ...serving, name: 'near-not-modified', once: false, prepare: fixed(notModified) },
    { ...fromRedis, name: 'hot', once: false, prepare: fixed(asLearned(hot, credentials)) },
    { ...fromRedis, name: 'not-modified', once: false, prepare: fixed(notModified) },
    { ...fromRedis, name: 'miss', once: true, prepare: miss },
    { ...fromRedis, name: 'permission', once: false, prepare: fixed(asLearned(permissions, credentials)) },
    { ...serving, name: 'write', once: true, prepare: write },
  ]
}

/** The hot load; each answer is compared, byte for byte, with one that was seen to be right before the load. */
export async function hotLoad({ port, headers = {} }: Asked, { hot }: People, durationMs: number): Promise<Load> {
  const learned = await learnHot({ port, headers }, hot)
  const questions = asLearned(learned, headers).map((question): Question => ({ ...question, from: null }))
  return { port, connections: CONNECTIONS, durationMs, questions, once: false }
}

export const CONNECTIONS = 32

export function asLearned(answers: Learned[], headers: Record<string, string>): Question[] {
  return answers.map(({ path, body }) => ok(get(path, headers), body, 'cache'))
}

export const ok = (request: string, body: string, from: Question['from']): Question => {
  return { request, status: 200, from, body, whole: true }
}

function learnPermissions(asked: Asked, { hot }: People): Promise<Learned[]> {
  const paths = hot.map(({ userId, branchId }) => {
    return `/v1/users/${userId}/permissions/receipt.void?branchId=${encodeURIComponent(branchId)}`
  })
  return learn(asked, paths, (body, i) => {
    const { userId, decision } = body as { userId: number; decision: string }
    if (userId !== hot[i]?.userId || !['allow', 'approve', 'deny'].includes(decision)) {
      throw new Error(`${paths[i]}: ${JSON.stringify(body)}`)
    }
  })
}

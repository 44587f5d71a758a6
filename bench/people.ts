import { header, textOf } from './load/answer.ts'
import { connectAsker, get } from './load/connection.ts'
import type { Data } from './stage.ts'

const HOT_USERS = 2_000
const LEARNERS = 8

/** Who is asked about in which case, so that no case disturbs another's users. */
export type People = {
  /** A few thousand, like those whom tills ask about, in no order. */
  hot: Person[]
  /** Active ones, because others can't be changed. */
  written: number[]
  missed: number[]
}
export type Person = { userId: number; username: string; branchId: string }
type Row = { user_id: number; username: string; status: string; home_branch_id: string | null }

export function choosePeople({ users, query }: Pick<Data, 'users' | 'query'>): People {
  const rows = query<Row>('SELECT user_id, username, status, home_branch_id FROM users ORDER BY user_id')
  const hotCount = Math.min(HOT_USERS, Math.floor(users / 10))
  const writtenCount = Math.floor((users - hotCount) * 0.4)
  const hot = rows.slice(0, hotCount).map(({ user_id, username, home_branch_id }) => {
    return { userId: user_id, username, branchId: home_branch_id ?? 'B001' }
  })
  const written = rows.slice(hotCount, hotCount + writtenCount).filter(({ status }) => status === 'active')
  return {
    hot: scattered(hot),
    written: written.map(({ user_id }) => user_id),
    missed: scattered(rows.slice(hotCount + writtenCount).map(({ user_id }) => user_id)),
  }
}

/** The same disorder every time: each step is as long as the golden ratio makes it, and no step comes twice. */
export function scattered<Value>(values: Value[]): Value[] {
  const count = values.length
  let step = Math.max(1, Math.round(count * 0.618))
  while (greatestCommonDivisor(step, count) > 1) step += 1
  return values.map((_, i) => values[(i * step) % count] as Value)
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}

/** What the service answers now; `body` in latin1. */
export type Learned = { path: string; etag: string; head: string; body: string }

/** Who is asked, and what each request shows. */
export type Asked = { port: number; headers?: Record<string, string> }

/**
 * Asks each path once, and keeps the answers, after `check` has compared each with what the database holds. A body that
 * was right once is then known byte for byte.
 */
export async function learn({ port, headers }: Asked, paths: string[], check: (body: unknown, i: number) => void) {
  const learned: Learned[] = []
  let next = 0
  const learner = async () => {
    const asker = await connectAsker(port)
    try {
      while (next < paths.length) {
        const i = next
        next += 1
        const path = paths[i] ?? ''
        const answer = await asker.ask(get(path, headers))
        if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${textOf(answer)}`)
        check(JSON.parse(textOf(answer)), i)
        learned[i] = { path, etag: header(answer, 'etag') ?? '', head: answer.head, body: answer.body }
      }
    } finally {
      asker.close()
    }
  }
  await Promise.all(Array.from({ length: LEARNERS }, learner))
  return learned
}

/** The hot users' answers, each seen to be of the right person. */
export function learnHot(asked: Asked, hot: Person[]): Promise<Learned[]> {
  return learn(
    asked,
    hot.map(({ userId }) => `/v1/users/${userId}`),
    (body, i) => {
      const { userId, username } = body as Person
      const wanted = hot[i]
      if (userId === wanted?.userId && username === wanted.username) return
      throw new Error(`asked for ${wanted?.userId} ${wanted?.username}, got ${userId} ${username}`)
    },
  )
}

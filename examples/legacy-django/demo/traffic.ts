import { Pool } from 'undici'

/** One kind of request, of which so many are sent a second, whatever becomes of those before. */
export type Kind = { route: string; perSecond: number; make(): Asked }
export type Asked = {
  method: 'GET' | 'PATCH'
  path: string
  headers?: Record<string, string>
  body?: string
  /** Whether the answer is one to this request. */
  isRight(body: string): boolean
}
/** What was answered by one side. `failed`: not answered, or not so. `ms`: one of each answer, unsorted. */
export type Tally = { requests: number; failed: number; ms: number[] }
export type Tallies = Map<string, Record<'legacy' | 'native', Tally>>

const TICK_MS = 10
const CONNECTIONS = 64
/** More than are ever needed; beyond, what is due is left out rather than piled up. */
const MAX_UNDER_WAY = 400
const DEADLINE_MS = 10_000

/** Sends, until it is stopped. `take` answers what was counted since the last time. */
export function startTraffic(url: string, kinds: readonly Kind[]) {
  const pool = new Pool(url, { connections: CONNECTIONS, headersTimeout: DEADLINE_MS, bodyTimeout: DEADLINE_MS })
  const underWay = new Set<Promise<void>>()
  const due = kinds.map(() => 0)
  const failures = new Set<string>()
  let tallies: Tallies = new Map()
  let lastMs = performance.now()
  let leftOut = 0

  const send = async ({ route }: Kind, { isRight, ...asked }: Asked): Promise<void> => {
    const begunMs = performance.now()
    const { by, why } = await pool.request(asked).then(
      async (answer) => {
        const text = await answer.body.text()
        const isFine = answer.statusCode === 200 && isRight(text)
        const by = answer.headers['answered-by'] === 'native' ? 'native' : 'legacy'
        return { by, why: isFine ? null : `${answer.statusCode} by ${by}` } as const
      },
      (error: Error) => ({ by: 'legacy', why: error.message }) as const,
    )
    const tally = tallyOf(tallies, route)[by]
    tally.requests += 1
    tally.ms.push(performance.now() - begunMs)
    if (why === null) return
    tally.failed += 1
    if (failures.size < MAX_FAILURES) failures.add(`${asked.method} ${asked.path}: ${why}`)
  }
  const tick = () => {
    const nowMs = performance.now()
    kinds.forEach((kind, i) => {
      let left = (due[i] ?? 0) + (kind.perSecond * (nowMs - lastMs)) / 1_000
      for (; left >= 1; left -= 1) {
        if (underWay.size >= MAX_UNDER_WAY) leftOut += 1
        else {
          const sending = send(kind, kind.make()).finally(() => underWay.delete(sending))
          underWay.add(sending)
        }
      }
      due[i] = left
    })
    lastMs = nowMs
  }
  const timer = setInterval(tick, TICK_MS)
  return {
    take(): Tallies {
      const taken = tallies
      tallies = new Map()
      return taken
    },
    /** The first few, as text. */
    failures: () => [...failures],
    leftOut: () => leftOut,
    /** May be called again. */
    async stop(): Promise<void> {
      clearInterval(timer)
      await Promise.all(underWay)
      if (!pool.closed) await pool.close()
    },
  }
}
export type Traffic = ReturnType<typeof startTraffic>

const MAX_FAILURES = 5

function tallyOf(tallies: Tallies, route: string) {
  const known = tallies.get(route)
  if (known) return known
  const nothing = (): Tally => ({ requests: 0, failed: 0, ms: [] })
  const made = { legacy: nothing(), native: nothing() }
  tallies.set(route, made)
  return made
}

/** Puts `more` to what `all` holds. */
export function addTallies(all: Tallies, more: Tallies): void {
  for (const [route, sides] of more) {
    for (const by of ['legacy', 'native'] as const) {
      const tally = tallyOf(all, route)[by]
      tally.requests += sides[by].requests
      tally.failed += sides[by].failed
      tally.ms.push(...sides[by].ms)
    }
  }
}

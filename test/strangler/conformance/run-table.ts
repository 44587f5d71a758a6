import { answerFor, type Case, caseId, conversationFor } from './case.ts'
import type { Outcome } from './compare.ts'
import type { Answer, startLegacyFixture } from './legacy-fixture.ts'
import { converse } from './raw-client.ts'

/** Conversations at the same time; each has a connection of its own. */
const CONCURRENT = 4

type Fixture = Awaited<ReturnType<typeof startLegacyFixture>>

/** What the fixture answers to each request of the table. */
export function answersOf(cases: readonly Case[]): (id: string) => Answer {
  const answers = new Map(
    cases.flatMap(({ asks }, i) => asks.map((ask, j): [string, Answer] => [caseId(i, j), answerFor(ask)])),
  )
  return (id) => answers.get(id) ?? answerFor({ answer: { statusLine: 'HTTP/1.1 500 No such case' } })
}

/** Has every conversation of the table with `port`; `strays`: requests that the fixture got and nobody had sent. */
export async function runTable(cases: readonly Case[], fixture: Fixture, port: number) {
  fixture.taken()
  const heard: Outcome['heard'][] = []
  const waiting = cases.keys()
  const work = async () => {
    for (const index of waiting) {
      const one = cases[index]
      if (one === undefined) continue
      const release = one.asks[0]?.answer?.isHeld ? { onFirstBodyBytes: () => fixture.release(caseId(index, 0)) } : {}
      heard[index] = await converse(port, { ...conversationFor(one, index), ...release })
    }
  }
  await Promise.all(Array.from({ length: CONCURRENT }, work))
  const received = fixture.taken()
  const outcomes = cases.map(({ asks }, i): Outcome => {
    const ids = asks.map((_, j) => caseId(i, j))
    const mine = ids.map((id) => received.get(id) ?? [])
    for (const id of ids) received.delete(id)
    const one = heard[i]
    if (one === undefined) throw new Error(`case ${i} was not run`)
    return { heard: one, received: mine }
  })
  return { outcomes, strays: [...received.values()].flat() }
}

import type { Case } from './case.ts'
import { type Difference, differences, type Outcome, type Verdict, verdictOf } from './compare.ts'

export type Judged = { one: Case; found: Difference[]; verdict: Verdict }

export function judged(cases: readonly Case[], direct: readonly Outcome[], proxied: readonly Outcome[]): Judged[] {
  return cases.map((one, i) => {
    const [without, through] = [direct[i], proxied[i]]
    if (without === undefined || through === undefined) throw new Error(`case ${i} was not run`)
    const found = differences(without, through)
    return { one, found, verdict: verdictOf(found, one.meant) }
  })
}

export const nameOf = ({ one, found }: Judged) =>
  `${one.family}: ${one.name}: ${found.map(({ kind, detail }) => `${kind}: ${detail}`).join('; ')}`

/**
 * Differences that are none in HTTP: the case of header names and the order of different ones (RFC 9110, 5), a Date where
 * there was none (6.6.1), and what the case allows.
 */
const NO_DIFFERENCE = /^(?:answer|request) header (?:case|order)|^answer header added: date/
const matters = ({ found, one }: Judged) =>
  found.filter((difference) => {
    const text = `${difference.kind}: ${difference.detail}`
    return !NO_DIFFERENCE.test(text) && !one.meant?.allows.some((allowed) => text.startsWith(allowed))
  })

/** One line a family, and one for all: cases, equal, as meant, different, and the same in HTTP. */
export function tableOf(all: readonly Judged[]): string[] {
  const families = Map.groupBy(all, ({ one }) => one.family)
  const row = (name: string, some: readonly Judged[]) => {
    const count = (verdict: Verdict) => some.filter((judged) => judged.verdict === verdict).length
    const numbers = [
      some.length,
      count('equal'),
      count('as meant'),
      count('different'),
      some.filter((judged) => matters(judged).length === 0).length,
    ]
    return `${name.padEnd(26)}${numbers.map((number) => String(number).padStart(11)).join('')}`
  }
  const columns = ['cases', 'equal', 'as meant', 'different', 'same HTTP']
  return [
    `${'family'.padEnd(26)}${columns.map((column) => column.padStart(11)).join('')}`,
    ...[...families].map(([family, some]) => row(family, some)),
    row('all', all),
  ]
}

/** Why cases may differ, with how many do. */
export function reasonsOf(all: readonly Judged[]): string[] {
  const meant = all.filter(({ verdict }) => verdict === 'as meant')
  const reasons = Map.groupBy(meant, ({ one }) => one.meant?.reason ?? '')
  return [...reasons].map(([reason, some]) => `${some.length} as meant: ${reason}`)
}

/** What else differs in HTTP, the most frequent first. */
export function kindsOf(all: readonly Judged[]): string[] {
  const kinds = all.flatMap((judged) => [...new Set(matters(judged).map(({ kind }) => kind))])
  const counts = [...Map.groupBy(kinds, (kind) => kind)].map(([kind, some]) => ({ kind, count: some.length }))
  return counts.toSorted((a, b) => b.count - a.count).map(({ kind, count }) => `${count} ${kind}`)
}

import type { Measured } from './rounds.ts'
import type { Spread } from './statistics.ts'

export function table(columns: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`
  return [line(columns), `|${'---|'.repeat(columns.length)}`, ...rows.map(line)].join('\n')
}

/** The median, and in brackets the least and the most. */
export const ranged = ({ median, min, max }: Spread, text: (value: number) => string) =>
  `${text(median)} (${text(min)}–${text(max)})`
export const whole = (value: number) => value.toLocaleString('en', { maximumFractionDigits: 0 })
export const toOne = (value: number) => value.toFixed(1)
export const toTwo = (value: number) => value.toFixed(2)

/** Where the answers of all rounds came from, by their own account. */
export function sourcesOf(rounds: Measured[]): string {
  const counts = new Map<string, number>()
  for (const [source, count] of rounds.flatMap((round) => Object.entries(round.sources))) {
    counts.set(source, (counts.get(source) ?? 0) + count)
  }
  return [...counts].map(([source, count]) => `${source} ${whole(count)}`).join(', ')
}

import type { ParkedChange } from '../ports.ts'

/** `total`: how many are parked at all. */
export type ParkedPage = { changes: ParkedChange[]; total: number; limit: number }

const HEAD = ['change', 'of', 'tries', 'written (UTC)', 'parked (UTC)', 'error']

/** For people: a table, and what to do. */
export function parkedTable({ changes, total, limit }: ParkedPage): string {
  if (total === 0) return 'Nothing is parked.\n'
  if (changes.length === 0) return `Nothing more; ${total} in all.\n`
  const rows = [HEAD, ...changes.map(cells)]
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  const last = changes.at(-1)?.changeId
  const more = changes.length === limit ? `The next page: users-service parked list --after ${last}\n` : ''
  return `${lines.join('\n')}\n\n${total} parked. When the cause is mended: users-service parked retry --all\n${more}`
}

/** For programs. Times are RFC 3339; `nextAfter` is the next page's --after, or null. */
export function parkedJson({ changes, total, limit }: ParkedPage): string {
  const items = changes.map((change) => ({
    ...change,
    changedAt: rfc3339(change.changedAt),
    parkedAt: rfc3339(change.parkedAt),
  }))
  const nextAfter = changes.length === limit ? (changes.at(-1)?.changeId ?? null) : null
  return `${JSON.stringify({ total, items, nextAfter }, null, 2)}\n`
}

function cells({ changeId, entity, entityId, attempts, changedAt, parkedAt, error }: ParkedChange): string[] {
  const of = entity === 'user' ? `user ${entityId}` : 'the roles'
  return [String(changeId), of, String(attempts), changedAt, parkedAt, error]
}

const rfc3339 = (databaseTime: string): string => `${databaseTime.replace(' ', 'T')}Z`

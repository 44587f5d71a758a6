import { createReadStream } from 'node:fs'
import { MAX_REPLAY_IDS, type ReplayWhat } from '../wiring-replay.ts'
import { PlainError } from './plain-error.ts'

export type ReplayOptions = { ids?: string; idsFile?: string; since?: string; until?: string; fromMark?: true }

const MAX_IDS_BYTES = 1_048_576
/** RFC 3339, section 5.6, without leap seconds: the database has none. */
const RFC_3339 =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ]((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?)([Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/

/** Who is to be projected again. Refuses in one sentence what is not clear. */
export async function whatToReplay({ ids, idsFile, since, until, fromMark }: ReplayOptions): Promise<ReplayWhat> {
  const ways = [ids, idsFile, since, fromMark].filter((way) => way !== undefined)
  if (ways.length !== 1) throw new PlainError('Say one of --ids, --ids-file, --since and --from-mark.')
  if (until !== undefined && since === undefined) throw new PlainError('--until goes with --since.')
  if (ids !== undefined) return { userIds: userIdsOf(ids.split(',')) }
  if (idsFile !== undefined) return { userIds: userIdsOf((await readIds(idsFile)).split('\n')) }
  if (since === undefined) return 'from-mark'
  const times = { since: databaseTime(since), until: until === undefined ? null : databaseTime(until) }
  if (times.until !== null && times.until < times.since) throw new PlainError('--until must not be before --since.')
  return times
}

/** To the database's form, `YYYY-MM-DD HH:MM:SS.fff`, UTC. */
export function databaseTime(text: string): string {
  const [, year, month, day, time, zone = ''] = RFC_3339.exec(text) ?? []
  // A day that its month does not have would be taken for one of the next month.
  const date = new Date(`${year}-${month}-${day}T00:00:00Z`)
  const isDay = !Number.isNaN(date.getTime()) && date.toISOString().startsWith(`${year}-${month}-${day}`)
  const at = new Date(`${year}-${month}-${day}T${time}${zone.toUpperCase()}`)
  const form = isDay && !Number.isNaN(at.getTime()) ? at.toISOString() : ''
  // An offset may lead out of the years that have four digits.
  if (!/^\d{4}-/.test(form)) throw new PlainError(`"${text}" is no time; write it as 2026-11-25T19:00:00Z (RFC 3339).`)
  return form.replace('T', ' ').slice(0, -1)
}

function userIdsOf(texts: string[]): number[] {
  const said = texts.map((text) => text.trim()).filter((text) => text !== '')
  const wrong = said.find((text) => !/^\d+$/.test(text) || !Number.isSafeInteger(Number(text)) || Number(text) === 0)
  if (wrong !== undefined) throw new PlainError(`"${wrong.slice(0, 40)}" is no user id.`)
  const userIds = [...new Set(said.map(Number))]
  if (userIds.length === 0) throw new PlainError('Name at least one user.')
  if (userIds.length > MAX_REPLAY_IDS) {
    const [count, limit] = [userIds.length, MAX_REPLAY_IDS].map((number) => number.toLocaleString('en'))
    throw new PlainError(
      `These are ${count} users, and at most ${limit} go at once: take parts, --since or \`rebuild\`.`,
    )
  }
  return userIds
}

async function readIds(path: string): Promise<string> {
  const source = path === '-' ? process.stdin : createReadStream(path)
  let text = ''
  try {
    for await (const chunk of source.setEncoding('utf8')) {
      text += chunk
      if (text.length > MAX_IDS_BYTES) break
    }
  } catch (error) {
    throw new PlainError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`)
  }
  if (text.length > MAX_IDS_BYTES) throw new PlainError(`${path} is too long for a list of users.`)
  return text
}

import type { openParked } from '../wiring.ts'
import { parkedJson, parkedTable } from './parked-page.ts'
import { PlainError } from './plain-error.ts'

/** What is shown at once, and what is moved or dropped in one transaction. */
export const MAX_PAGE = 500

export type Parked = ReturnType<typeof openParked>
export type Page = { limit: number; after: number; json?: boolean }
/** Some, or all. */
export type Chosen = { ids: number[]; all: boolean }

// Each answers what to tell; what the person at the terminal can mend is a PlainError.

export async function listParked(parked: Parked, { limit, after, json = false }: Page): Promise<string> {
  const page = { changes: await parked.list(after, limit), total: await parked.count(), limit }
  return json ? parkedJson(page) : parkedTable(page)
}

export async function retryParked(parked: Parked, chosen: Chosen): Promise<string> {
  const moved = await forChosen(parked, chosen, parked.retry)
  if (moved === 0) return 'Nothing was parked.\n'
  return (
    `${changes(moved)} put back; running workers take them at once. Those that fail again are parked again within ` +
    'seconds: `users-service parked list`.\n'
  )
}

export async function dropParked(parked: Parked, chosen: Chosen, isSure: boolean): Promise<string> {
  checkChoice(chosen)
  if (chosen.all && !isSure) {
    throw new PlainError(`This would drop all ${changes(await parked.count())}. Say --all --yes if it should.`)
  }
  const dropped = await forChosen(parked, chosen, parked.drop)
  return dropped === 0 ? 'Nothing was parked.\n' : `${changes(dropped)} dropped.\n`
}

type Act = (ids: number[]) => Promise<number>

async function forChosen(parked: Parked, chosen: Chosen, act: Act): Promise<number> {
  checkChoice(chosen)
  return chosen.all ? forAll(parked, act) : forEach(chosen.ids, act)
}

function checkChoice({ ids, all }: Chosen): void {
  if (ids.length > 0 && all) throw new PlainError('Name changes or say --all, not both.')
  if (ids.length === 0 && !all) throw new PlainError('Name the changes (`users-service parked list`), or say --all.')
}

/** One at a time, so that those that are not there can be named; the others are done nevertheless. */
async function forEach(ids: number[], act: Act): Promise<number> {
  const absent: number[] = []
  let done = 0
  for (const id of [...new Set(ids)].sort((a, b) => a - b)) {
    const found = await act([id])
    done += found
    if (found === 0) absent.push(id)
  }
  if (absent.length === 0) return done
  const rest = done === 0 ? '' : ` The rest is done (${changes(done)}).`
  throw new PlainError(`Not parked: ${absent.join(', ')}.${rest} \`users-service parked list\` shows what is.`)
}

/** Ids only go up, so this ends, even when what is retried is parked again at once. */
async function forAll(parked: Parked, act: Act): Promise<number> {
  let done = 0
  let after = 0
  for (;;) {
    const ids = (await parked.list(after, MAX_PAGE)).map(({ changeId }) => changeId)
    const last = ids.at(-1)
    if (last === undefined) return done
    done += await act(ids)
    after = last
  }
}

const changes = (count: number): string => (count === 1 ? '1 change' : `${count.toLocaleString('en')} changes`)

import { existsSync } from 'node:fs'
import { Command } from 'commander'
import { readConfig } from '../config.ts'
import type { ParkedChange } from '../ports.ts'
import { databasePath, openParked } from '../wiring.ts'
import { between } from './arguments.ts'
import { parkedJson, parkedTable } from './parked-page.ts'
import { PlainError } from './plain-error.ts'

const DEFAULT_LIMIT = 50
/** One page, and what is moved or dropped in one transaction. */
const MAX_LIMIT = 500
const anId = between(1, Number.MAX_SAFE_INTEGER)
const collect = (text: string, earlier: number[] = []): number[] => [...earlier, anId(text)]

const BACKGROUND = `
A change is parked when projecting it failed again and again while others went through. Nothing old is shown because of
it: its user (or the role catalogue) is read from the database until it is projected again, by \`retry\` or by its next
change. That does not end the parking: what is listed stays listed until somebody retries or drops it.`

export function parkedCommand(): Command {
  return new Command('parked')
    .description('Look after changes that could not be projected')
    .addHelpText('after', BACKGROUND)
    .addCommand(listCommand())
    .addCommand(retryCommand())
    .addCommand(dropCommand())
}

function listCommand(): Command {
  return new Command('list')
    .description('Show them, oldest first')
    .option('--limit <number>', 'at most so many', between(1, MAX_LIMIT), DEFAULT_LIMIT)
    .option('--after <id>', 'only those that come after this change', anId, 0)
    .option('--json', 'for programs: one JSON document')
    .action(({ limit, after, json }: { limit: number; after: number; json?: boolean }) =>
      withParked(async (parked) => {
        const page = { changes: await parked.list(after, limit), total: await parked.count(), limit }
        process.stdout.write(json ? parkedJson(page) : parkedTable(page))
      }),
    )
}

type Chosen = { all?: boolean; yes?: boolean }

function retryCommand(): Command {
  return new Command('retry')
    .description('Put them back among the changes to be handled, oldest first')
    .argument('[ids...]', 'which changes', collect)
    .option('--all', 'all that are parked now')
    .action((ids: number[] = [], { all }: Chosen) =>
      withParked(async (parked) => {
        checkChoice(ids, all)
        const moved = all ? await forAll(parked, parked.retry) : await forEach(ids, parked.retry)
        process.stdout.write(
          moved === 0
            ? 'Nothing was parked.\n'
            : `${changes(moved)} put back; running workers take them at once. Those that fail again are parked again within ` +
                'seconds: `users-service parked list`.\n',
        )
      }),
    )
}

function dropCommand(): Command {
  return new Command('drop')
    .description('Forget them, unhandled: their users go on being read from the database until they change again')
    .argument('[ids...]', 'which changes', collect)
    .option('--all', 'all that are parked now')
    .option('--yes', 'with --all: really all')
    .action((ids: number[] = [], { all, yes }: Chosen) =>
      withParked(async (parked) => {
        checkChoice(ids, all)
        if (all && !yes) {
          throw new PlainError(`This would drop all ${changes(await parked.count())}. Say --all --yes if it should.`)
        }
        const dropped = all ? await forAll(parked, parked.drop) : await forEach(ids, parked.drop)
        process.stdout.write(dropped === 0 ? 'Nothing was parked.\n' : `${changes(dropped)} dropped.\n`)
      }),
    )
}

type Parked = ReturnType<typeof openParked>

async function withParked(work: (parked: Parked) => Promise<void>): Promise<void> {
  const config = readConfig()
  const path = databasePath(config)
  // Opening would make an empty database, in which nothing is parked: good news from the wrong folder.
  if (!existsSync(path)) throw new PlainError(`There is no database at ${path}; DATA_DIR says where it is.`)
  const parked = openParked(config)
  try {
    await work(parked)
  } finally {
    await parked.close()
  }
}

function checkChoice(ids: number[], all: boolean | undefined): void {
  if (ids.length > 0 && all) throw new PlainError('Name changes or say --all, not both.')
  if (ids.length === 0 && !all) throw new PlainError('Name the changes (`users-service parked list`), or say --all.')
}

/** One at a time, so that those that are not there can be named; the others are done nevertheless. */
async function forEach(ids: number[], act: (ids: number[]) => Promise<number>): Promise<number> {
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
async function forAll(parked: Parked, act: (ids: number[]) => Promise<number>): Promise<number> {
  let done = 0
  for (let after = 0; ; ) {
    const page: ParkedChange[] = await parked.list(after, MAX_LIMIT)
    const last = page.at(-1)
    if (last === undefined) return done
    done += await act(page.map(({ changeId }) => changeId))
    after = last.changeId
  }
}

const changes = (count: number): string => (count === 1 ? '1 change' : `${count.toLocaleString('en')} changes`)

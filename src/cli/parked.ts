import { existsSync } from 'node:fs'
import { Command } from 'commander'
import { readConfig } from '../config.ts'
import { openParked } from '../wiring.ts'
import { databasePath } from '../wiring-database.ts'
import { wholeBetween } from './arguments.ts'
import { type Chosen, dropParked, listParked, MAX_PAGE, type Page, type Parked, retryParked } from './parked-actions.ts'
import { PlainError } from './plain-error.ts'

const DEFAULT_PAGE = 50
const anId = wholeBetween(1, Number.MAX_SAFE_INTEGER)
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
    .option('--limit <number>', 'at most so many', wholeBetween(1, MAX_PAGE), DEFAULT_PAGE)
    .option('--after <id>', 'only those that come after this change', anId, 0)
    .option('--json', 'for programs: one JSON document')
    .action((page: Page) => withParked((parked) => listParked(parked, page)))
}

function retryCommand(): Command {
  return new Command('retry')
    .description('Put them back among the changes to be handled, oldest first')
    .argument('[ids...]', 'which changes', collect)
    .option('--all', 'all that are parked now')
    .action((ids: number[] = [], { all = false }: Partial<Chosen>) =>
      withParked((parked) => retryParked(parked, { ids, all })),
    )
}

function dropCommand(): Command {
  return new Command('drop')
    .description('Forget them, unhandled: their users go on being read from the database until they change again')
    .argument('[ids...]', 'which changes', collect)
    .option('--all', 'all that are parked now')
    .option('--yes', 'with --all: really all')
    .action((ids: number[] = [], { all = false, yes = false }: Partial<Chosen> & { yes?: boolean }) =>
      withParked((parked) => dropParked(parked, { ids, all }, yes)),
    )
}

async function withParked(work: (parked: Parked) => Promise<string>): Promise<void> {
  const config = readConfig()
  const path = databasePath(config)
  // Opening would make an empty database, in which nothing is parked: good news from the wrong folder.
  if (config.database === null && !existsSync(path))
    throw new PlainError(`There is no database at ${path}; DATA_DIR says where it is.`)
  const parked = openParked(config)
  try {
    process.stdout.write(await work(parked))
  } finally {
    await parked.close()
  }
}

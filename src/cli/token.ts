import { Command, InvalidArgumentError, Option } from 'commander'
import { readConfig } from '../config.ts'
import { SCOPE_NAMES } from '../config-auth.ts'
import { mintToken, type TokenWanted } from '../wiring-tokens.ts'
import { wholeBetween } from './arguments.ts'
import { PlainError } from './plain-error.ts'

type ScopeName = (typeof SCOPE_NAMES)[number]
export type Options = {
  scope?: ScopeName[]
  allScopes?: true
  subject: string
  client?: string
  branches?: string[]
  userId?: number
  expiresIn: number
}

export const DEFAULT_SUBJECT = 'developer'
const DEFAULT_EXPIRY = '12h'

const BACKGROUND = `
Only where no issuer is set (AUTH_ISSUER): the token is signed with a key that lies in DATA_DIR, for trying things out on
this machine. The running service must have the same DATA_DIR.`

export function tokenCommand(): Command {
  return new Command('token')
    .description('Print a token of the development key')
    .addHelpText('after', BACKGROUND)
    .addOption(new Option('--scope <scope...>', 'what it is good for; may be said again').choices(SCOPE_NAMES))
    .option('--all-scopes', 'good for everything')
    .option('--subject <name>', 'who is to be asking', DEFAULT_SUBJECT)
    .option('--client <name>', 'the program that asks for them')
    .option('--branches <ids>', 'limits writes to people of these branches, separated by commas', listed)
    .option('--user-id <id>', 'which user they are', wholeBetween(1, Number.MAX_SAFE_INTEGER))
    .addOption(
      new Option('--expires-in <time>', 'in seconds (90s), minutes (30m), hours (12h) or days (1d)')
        .argParser(seconds)
        .default(seconds(DEFAULT_EXPIRY), DEFAULT_EXPIRY),
    )
    .action(async (options: Options) => {
      process.stdout.write(`${await mintToken(readConfig(), wantedBy(options))}\n`)
    })
}

/** The token that `all` shows: good for everything, for as long as half a day or as tokens may be. */
export function tokenForTour(config: ReturnType<typeof readConfig>): Promise<string> {
  const expiresInS = Math.min(seconds(DEFAULT_EXPIRY), config.auth.longestTokenS)
  return mintToken(config, { scopes: SCOPE_NAMES, subject: DEFAULT_SUBJECT, expiresInS })
}

/** Throws PlainError. */
export function wantedBy({ scope = [], allScopes, expiresIn, ...rest }: Options): TokenWanted {
  if (allScopes && scope.length > 0) throw new PlainError('Either --scope or --all-scopes, not both.')
  if (!allScopes && scope.length === 0) {
    throw new PlainError(`Say what it is good for: --all-scopes, or --scope with some of ${SCOPE_NAMES.join(', ')}.`)
  }
  return { ...rest, scopes: allScopes ? SCOPE_NAMES : scope, expiresInS: expiresIn }
}

/** No branch at all limits writes to nobody. */
function listed(text: string): string[] {
  return text === '' ? [] : text.split(',')
}

const UNIT_S: Record<string, number> = { s: 1, m: 60, h: 3_600, d: 86_400 }

export function seconds(text: string): number {
  const [, count, unit = ''] = /^([1-9]\d{0,6})([smhd])$/.exec(text) ?? []
  const unitS = UNIT_S[unit]
  if (count === undefined || unitS === undefined) {
    throw new InvalidArgumentError('It must be a whole number with s, m, h or d, as 12h.')
  }
  return Number(count) * unitS
}

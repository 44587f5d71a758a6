import { Command, InvalidArgumentError } from 'commander'
import { readConfig } from '../config.ts'
import { createServiceLog } from '../wiring-log.ts'
import { MODES, type ModeName, openStrangler, type Strangler, UNLIMITED } from '../wiring-strangling.ts'
import { wholeBetween } from './arguments.ts'
import { reasonOf, whoever as whoIsHere } from './audited.ts'
import { withBundledRedis } from './bundled-redis.ts'
import { PlainError } from './plain-error.ts'
import { listRoutes, promoteRoute, resetRoute, setRoute } from './strangler-actions.ts'

const BACKGROUND = `
A route is an endpoint of the legacy application, named by its id or as GET:/users/:id. In mode
  legacy  the legacy application answers;
  shadow  so it does, and our answer is compared with it (reads only);
  canary  we answer so many percent of the clients, and are compared; worse than the legacy application, it is set back;
  native  we answer.
What is said is in force everywhere within a second, and stands in the audit.`

const LOOK_EVERY_MS = 500
const MAX_SECONDS = 604_800
const A_THOUSAND_MS = 1_000

export function stranglerCommand(): Command {
  return new Command('strangler')
    .description('Take over endpoints of the legacy application, one at a time')
    .addHelpText('after', BACKGROUND)
    .addCommand(listCommand())
    .addCommand(setCommand())
    .addCommand(resetCommand())
    .addCommand(promoteCommand())
}

function listCommand(): Command {
  return new Command('list')
    .description('Who answers each route, and how well')
    .option('--json', 'for programs: one JSON document')
    .action((options: { json?: boolean }) => withStrangler((strangler) => listRoutes(strangler, options)))
}

function setCommand(): Command {
  return new Command('set')
    .description('Say who answers a route')
    .argument('<route>')
    .argument('<mode>', 'legacy, shadow, canary or native', modeName)
    .argument('[percent]', 'of a canary: how many of the clients, more than 0, at most 100', percentOf)
    .requiredOption('--reason <text>', 'why; the audit keeps it', reasonOf)
    .action((route: string, mode: ModeName, percent: number | undefined, { reason }: { reason: string }) => {
      if ((mode === 'canary') !== (percent !== undefined))
        throw new PlainError('A canary, and nothing else, has a percentage: `canary 5`.')
      const to = mode === 'canary' ? { mode, percent: percent ?? 0 } : { mode }
      return withStrangler((strangler) => setRoute(strangler, route, { to, reason, by: whoever() }))
    })
}

function resetCommand(): Command {
  return new Command('reset')
    .description('Forget what was said of a route: it is as it starts')
    .argument('<route>')
    .action((route: string) => withStrangler((strangler) => resetRoute(strangler, route, whoever())))
}

type PromoteOptions = {
  reason: string
  to: 'canary' | 'native'
  stepSeconds: number
  least: number
  patienceSeconds: number
  again?: boolean
}

function promoteCommand(): Command {
  const seconds = wholeBetween(1, MAX_SECONDS)
  return new Command('promote')
    .description('Walk a route up (shadow, then a canary of 1, 5, 25, 50, 100 %) while the evidence allows')
    .argument('<route>')
    .requiredOption('--reason <text>', 'why; the audit keeps it', reasonOf)
    .option('--to <mode>', 'where to end: canary (of 100 %) or native', goalOf, 'canary')
    .option('--step-seconds <number>', 'a step lasts at least so long', seconds, 300)
    .option(
      '--least <number>',
      'and until so many answers were compared, or given',
      wholeBetween(1, 1_000_000_000),
      1_000,
    )
    .option('--patience-seconds <number>', 'a step lasts at most so long; then it ends there', seconds, 86_400)
    .option('--again', 'also where a canary was set back')
    .action(async (route: string, options: PromoteOptions) => {
      const stop = new AbortController()
      process.once('SIGINT', () => stop.abort())
      process.once('SIGTERM', () => stop.abort())
      await withStrangler(async (strangler) => {
        const { done, why } = await promoteRoute(
          strangler,
          route,
          {
            ...{ reason: options.reason, by: whoever(), again: options.again === true, lookEveryMs: LOOK_EVERY_MS },
            ...{ to: options.to, least: options.least, stepMs: options.stepSeconds * A_THOUSAND_MS },
            patienceMs: options.patienceSeconds * A_THOUSAND_MS,
          },
          {
            tell: (line) => void process.stdout.write(`${line}\n`),
            pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
            now: () => performance.now(),
            stop: stop.signal,
          },
        )
        if (!done) process.exitCode = 1
        return `${done ? 'done' : 'not further'}: ${why}\n`
      })
    })
}

async function withStrangler(work: (strangler: Strangler) => Promise<string>): Promise<void> {
  const config = await withBundledRedis(readConfig())
  const strangler = await openStrangler(config, createServiceLog({ log: { ...config.log, level: 'warn' } }))
  try {
    process.stdout.write(await work(strangler))
  } catch (error) {
    // A rule forbids it: whoever asked for it can mend that.
    throw (error as Error).name === 'DomainError' ? new PlainError((error as Error).message) : error
  } finally {
    await strangler.close()
  }
}

const whoever = () => ({ ...whoIsHere(), ...UNLIMITED })

function modeName(text: string): ModeName {
  const found = MODES.find((name) => name === text)
  if (found === undefined) throw new InvalidArgumentError(`It is one of ${MODES.join(', ')}.`)
  return found
}

function goalOf(text: string): 'canary' | 'native' {
  if (text !== 'canary' && text !== 'native') throw new InvalidArgumentError('It is canary or native.')
  return text
}

function percentOf(text: string): number {
  const percent = /^\d{1,3}(\.\d{1,2})?%?$/.test(text) ? Number.parseFloat(text) : Number.NaN
  if (!(percent > 0 && percent <= 100)) throw new InvalidArgumentError('It is a number above 0, at most 100.')
  return percent
}

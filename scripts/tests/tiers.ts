import { drdaMissing } from '../../test/support/drda/server.ts'
import { kafkaMissing } from '../../test/support/kafka.ts'
import { startKafkaBroker } from '../kafka-broker.ts'

/**
 * The tiers of the tests, from the cheapest on; what each may touch stands in docs/testing.md. `long` ones are component
 * tests that take their time; `drill` ones take more of it than `make test` has: short soaks, crashes and simulations, and
 * contracts of the database once more; `project` ones are about this repository, and not about the service.
 */
export const TIERS = ['unit', 'component', 'contract', 'long', 'e2e', 'drill', 'project'] as const
export type TierName = (typeof TIERS)[number]
/**
 * Tests of tiers once more: over a broker, and over IBM's driver. First those whose way leads through either most; `-rest`
 * are the API's others, which continuous integration runs besides.
 */
export const AGAIN = ['kafka', 'drda', 'kafka-rest', 'drda-rest'] as const
export const SELECTIONS = [...TIERS, ...AGAIN] as const
export type SelectionName = (typeof SELECTIONS)[number]

/** How some files are run. */
export type Selection = {
  /** Globs, from the project's folder. */
  files: string[]
  /** What Node is told besides. */
  options?: string[]
  /** Processes. */
  atATime: number
  /** The files are dealt out to these processes, each of which runs its own in itself; else each file has one. */
  isDealt?: true
  /** What the tests are told by their environment. */
  env?: Record<string, string>
  /** Starts what all these tests share, and says how they find it. */
  beside?: () => Promise<{ env: Record<string, string>; stop(): Promise<unknown> }>
  /** Begun before the others: what takes long and begins last is waited for alone. */
  first?: string[]
  /** Why these cannot run here, or null. With CI set this is an error. */
  missing?: () => string | null
}

/** Whatever has code of its own that is tested. */
const FOLDERS = '{src,workers,bench,test,scripts}'
/** As many as there are cores. */
const CORES = 2
const WAITING_FILES = 3
/** Which wait, for processes above all, more than they work. */
const MANY_WAITING_FILES = 4

const named = (tier: TierName): string[] => [`${FOLDERS}/**/*.${tier}.test.ts`]

const BROKER = { env: { TEST_FEED: 'kafka' }, beside: sharedBroker, missing: kafkaMissing }
const DRIVER = { env: { TEST_DATABASE: 'drda' }, missing: drdaMissing }

export const SELECTION: Record<SelectionName, Selection> = {
  unit: {
    // A name without a second dot.
    files: [`${FOLDERS}/**/!(*.*).test.ts`],
    // Node itself refuses sockets, processes, threads, and writing: https://nodejs.org/api/permissions.html
    options: ['--permission', '--allow-fs-read=*', '--import=./scripts/tests/no-database.ts'],
    atATime: CORES,
    isDealt: true,
  },
  component: {
    files: named('component'),
    atATime: MANY_WAITING_FILES,
    first: ['src/adapters/redis/tracking-beats.component.test.ts', 'src/adapters/redis/read-breaker.component.test.ts'],
  },
  contract: {
    files: named('contract'),
    atATime: MANY_WAITING_FILES,
    first: [
      'test/pact/openapi/breaking.contract.test.ts',
      'test/pact/broker/rehearsal.contract.test.ts',
      'test/pact/provider/faults.contract.test.ts',
    ],
  },
  long: {
    files: named('long'),
    atATime: MANY_WAITING_FILES,
    first: [
      'test/api/headers.long.test.ts',
      'test/contract/sqlite.long.test.ts',
      'test/api/damaged.long.test.ts',
      'src/jobs/audit/auditor.long.test.ts',
      'test/strangler/routes.long.test.ts',
      'test/strangler/switching.long.test.ts',
    ],
  },
  e2e: {
    files: named('e2e'),
    atATime: MANY_WAITING_FILES,
    first: [
      'test/contract/drda-data.e2e.test.ts',
      'test/kafka/secured.e2e.test.ts',
      'test/drda/failures.e2e.test.ts',
      'test/jobs/audit-commands.e2e.test.ts',
      'test/resilience/failover.e2e.test.ts',
      'test/strangler/command-line.e2e.test.ts',
      'test/resilience/sentinel.e2e.test.ts',
      'test/attacks/overload.e2e.test.ts',
      'test/kafka/topics.e2e.test.ts',
      'test/kafka/adapters.e2e.test.ts',
      'test/drda/late-database.e2e.test.ts',
    ],
  },
  drill: { files: named('drill'), atATime: CORES },
  project: {
    files: named('project'),
    atATime: WAITING_FILES,
    first: ['test/informix-sql/statements.project.test.ts', 'test/metrics/alerts.project.test.ts'],
  },
  kafka: over(BROKER, [
    'test/api/{draining,visibility}.*.test.ts',
    'test/cluster/service.e2e.test.ts',
    'test/jobs/redis-acl.e2e.test.ts',
    'test/resilience/{database-lost,failover,redis-lost}.e2e.test.ts',
  ]),
  'kafka-rest': over(BROKER, [
    'test/jobs/{audit-commands.e2e,no-false-alarms.drill}.test.ts',
    'test/api/{bad-input,breakers,conditions,damaged,matrix,near,operations,paging,personal}.*.test.ts',
    'test/api/{profile,wire}.*.test.ts',
  ]),
  drda: over(DRIVER, [
    'test/api/{idempotency-crash,visibility}.*.test.ts',
    'test/resilience/failover.e2e.test.ts',
    'test/jobs/audit-commands.e2e.test.ts',
  ]),
  'drda-rest': over(DRIVER, [
    'test/api/{authority,bad-input,breakers,conditions,damaged,health,history,idempotency,near}.*.test.ts',
    'test/api/{operations,paging,personal,profile}.*.test.ts',
    'test/metrics/scrape.long.test.ts',
  ]),
}

async function sharedBroker() {
  const { brokers, stop } = await startKafkaBroker()
  return { env: { TEST_KAFKA: brokers }, stop }
}

function over(around: Pick<Selection, 'env' | 'beside' | 'missing'>, files: string[]): Selection {
  return { files, atATime: WAITING_FILES, ...around }
}

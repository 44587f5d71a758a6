/** Imports of `node:timers` and `node:timers/promises`, and of our own `pause`. */
const NAMED = /^import \{([^}]*)\} from '(?:(?:node:)?timers(?:\/promises)?|[^']*\/deadline\.ts)'/gm
const WHOLE = /^import (?:\* as )?(\w+) from '(?:node:)?timers(?:\/promises)?'/gm
/** Of these imports what waits for time; a turn of the event loop (`setImmediate`) is no time. */
const WAITING = /\b(setTimeout|setInterval|scheduler|pause)\b(?: as (\w+))?/g
/** A socket's own `setTimeout` is not among these: it is a limit. */
const ALWAYS = [
  String.raw`(?<!\.)\bsetTimeout\(`,
  String.raw`\bglobalThis\.setTimeout\(`,
  String.raw`\bAtomics\.wait\(`,
  String.raw`\bpromisify\(setTimeout\)`,
  String.raw`\bonce\(AbortSignal\.timeout\(`,
  String.raw`\bimport\(['"](?:node:)?timers`,
  String.raw`Sync\(['"]sleep\b`,
  String.raw`\bonce\(spawn\(['"]sleep['"]`,
  String.raw`\.waitForTimeout\(`,
  // A condition that is nothing but the time.
  String.raw`\buntil\((?:['"\x60][^\n]*?, )(?:async )?\(\) =>\s+(?:performance|Date)\.now\(\) - \w+ >`,
]

/** How many calls of this source wait for time to pass, by whatever name, and whoever awaits them. */
export function waitsIn(source: string): number {
  const named = [...source.matchAll(NAMED)]
    .flatMap(([, names = '']) => [...names.matchAll(WAITING)].map(([, name, as]) => as ?? name))
    .filter((name) => name !== 'setTimeout')
    .map((name) => String.raw`(?<!\.)\b${name}(?:\.wait)?\(`)
  const whole = [...source.matchAll(WHOLE)].map(
    ([, name]) => String.raw`\b${name}\.(?:setTimeout|setInterval|scheduler\.wait)\(`,
  )
  return source.match(new RegExp([...named, ...whole, ...ALWAYS].join('|'), 'g'))?.length ?? 0
}

/** Programs of tests that play time itself: load at a rate, outages of some seconds, probes that come at intervals. */
export const PLAY_TIME = ['test/kafka-crash/', 'test/rehearsal/', 'test/soak/']

/** The step of a loop that looks again. */
const AGAIN = 'looks again'
/** What has not come by then is given up, or ended. */
const LIMIT = 'a limit'
/** Where time that passes is what it is about, and how often. */
export const TIMED: Record<string, [times: number, why: string]> = {
  'bench/resilience/open-generator.component.test.ts': [1, 'a server that answers late'],
  'src/adapters/http/deadline.test.ts': [4, 'pauses, and work that takes longer than its first deadline'],
  'src/adapters/log-feed/log-feed.test.ts': [1, AGAIN],
  'src/adapters/redis/client.component.test.ts': [1, 'a connection that is idle for longer than it may be silent'],
  'src/adapters/redis/local-server.component.test.ts': [1, AGAIN],
  'src/adapters/redis/silence.component.test.ts': [2, 'silence, and an event loop that stands still'],
  'src/adapters/redis/tracking-beats.component.test.ts': [1, 'an event loop that stands still'],
  'src/adapters/redis/tracking.long.test.ts': [2, 'masters that are to stay off for longer than a pair takes'],
  'src/adapters/sqlite/upgrade.component.test.ts': [1, 'somebody who is to wait for longer than the database would'],
  'src/wiring-legacy.component.test.ts': [2, 'work and uploads that go on for longer than a standstill'],
  'test/api/damaged.long.test.ts': [1, AGAIN],
  'test/chart/cluster/installs.ts': [1, AGAIN],
  'test/chart/cluster/server.ts': [2, `${AGAIN}; ${LIMIT}`],
  'test/chart/processes.check.ts': [2, `${AGAIN}; a process that is to go on`],
  'test/chart/redis-start.project.test.ts': [2, `${AGAIN}; Redis writes to its file once a second`],
  'test/cli.e2e.test.ts': [1, LIMIT],
  'test/contract/drda.ts': [1, 'a writer who leaves readers a gap'],
  'test/contract/sqlite.ts': [1, 'another program, which makes way for others between its rounds'],
  'test/drda/failures.e2e.test.ts': [1, 'a turn of the event loop'],
  'test/image/rehearsal.ts': [2, 'a client that sends its body slowly'],
  'test/jobs/no-false-alarms.drill.test.ts': [2, 'writers at a rate'],
  'test/jobs/schema-change.e2e.test.ts': [2, 'readers and writers at a rate'],
  'test/jobs/stopping-worker.e2e.test.ts': [1, LIMIT],
  'test/kafka/adapters.e2e.test.ts': [
    4,
    'members that handle slowly, and a broker that is frozen for more than a session',
  ],
  'test/kafka/debezium.e2e.test.ts': [1, 'a connector that looks at the tables'],
  'test/kafka/faulty.e2e.test.ts': [2, 'a Redis that is silent, and a database that is locked, for so long'],
  'test/kafka/rig.ts': [1, LIMIT],
  'test/neighbours/resilience.long.test.ts': [1, 'callers at a rate'],
  'test/strangler/command-line.e2e.test.ts': [1, 'a legacy application that takes its time'],
  'test/strangler/conformance/legacy-fixture.ts': [1, LIMIT],
  'test/strangler/conformance/pieces.ts': [1, 'bytes that come in pieces'],
  'test/strangler/conformance/raw-client.ts': [2, LIMIT],
  'test/strangler/conformance/smuggling.long.test.ts': [1, LIMIT],
  'test/strangler/proxy/faults.component.test.ts': [3, 'answers cut off later; a connection that is to stay open'],
  'test/strangler/proxy/passing.component.test.ts': [2, 'answers that come late, and in pieces'],
  'test/strangler/proxy/rig.ts': [1, AGAIN],
  'test/strangler/proxy/streams.component.test.ts': [2, 'streams that are silent for longer than requests may be'],
  'test/support/drda/server.ts': [1, AGAIN],
  'test/support/fault-kinds.ts': [1, 'answers that come late'],
  'test/support/kafka.drill.test.ts': [2, `a signal that is not to come twice; ${AGAIN}`],
  'test/support/legacy-django.ts': [2, `${AGAIN}; ${LIMIT}`],
  'test/support/service.ts': [1, AGAIN],
  'test/tracing/process.ts': [1, LIMIT],
}

import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { filesOf, ROOT } from '../scripts/tests/run.ts'
import { SELECTION, TIERS } from '../scripts/tests/tiers.ts'
import { PLAY_TIME, TIMED, waitsIn } from './tiers/waits.ts'

/** Whatever looks like a file of tests; `x.check.ts` are those of the chart's own programs. */
const LOOKS_LIKE_TESTS = '**/*{.test,.tests,.spec,_test}.{ts,mts,cts,js,mjs,cjs}'
const ALL = globSync(LOOKS_LIKE_TESTS, { cwd: ROOT, exclude: ['**/node_modules/**', 'var/**'] }).sort()

/** What tests share, beside them. */
const HELPERS = globSync('{test,bench,scripts}/**/*.ts', {
  cwd: ROOT,
  // Those of the layers' tests are texts about code.
  exclude: ['**/node_modules/**', '**/*.test.ts', 'test/architecture/**', ...PLAY_TIME.map((folder) => `${folder}**`)],
}).sort()
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

/** The command line's file, as it is given to Node. */
const OURS = /['"`](?:src\/)?main\.ts['"`]|\bbin\/users-service['"`]/
/** Functions that start the service, a broker or the DRDA server as processes, by the file that they stand in. */
const STARTERS: Record<string, string> = {
  'bench/kafka/rig.ts': 'setRig',
  'bench/processes.ts': 'processes',
  'scripts/kafka-broker.ts': 'startKafkaBroker',
  'test/contract/drda.ts': 'withDrdaServer',
  'test/kafka/rig.ts': 'startProcess',
  'test/kafka-crash/stage.ts': 'setStage',
  'test/support/drda/server.ts': 'startDrdaServer',
  'test/support/kafka.ts': 'startTestKafka',
  'test/tracing/process.ts': 'startProcess',
}
const STARTED = new RegExp(String.raw`\b(?:${Object.values(STARTERS).join('|')})\(`)
/** Of one process. */
const IN_PROCESS = /\.(?:component|long|contract)\.test\.ts$/
/** Programs; and what starts a server only where the environment asks for the tests to be run over it. */
const STARTING = [
  'test/chart/processes.check.ts',
  'test/image/rehearsal.ts',
  'test/support/databases.ts',
  'test/support/feeds.ts',
]
/** A function of the same name, in one process. */
const NOT_STARTING = 'test/simulation/'
const SET_ASIDE =
  /\b(?:test|describe|suite|it|t)\.(?:only|todo|skip|expectFailure)\(|\b(?:only|todo|skip|expectFailure): (?:true|['"`])/

/** Of fast-check, which else takes another seed each time. */
const EXPLORES = /\bfc\.(?:assert|check|sample)\(/g
/** `RUNS`: a seed, and how many. */
const BY_SEED = /(?<!const RUNS = \{ )\bseed[:,]|\bRUNS\b(?=\s*,?\s*\))|\.\.\.RUNS\b/g

type Faults = (path: string, source: string) => string[]
const RULES: Record<string, Faults> = {
  'waits for conditions': (path, source) => {
    const [allowed = 0] = TIMED[path] ?? []
    const found = waitsIn(source)
    return found === allowed ? [] : [`${path}: waits for time ${found} times, and ${allowed} are known`]
  },
  'starts the service, a broker or the DRDA server as a process only end to end': (path, source) =>
    IN_PROCESS.test(path) && (OURS.test(source) || STARTED.test(source)) ? [`${path}: starts a process`] : [],
  'explores by a seed that it gives': (path, source) =>
    timesIn(source, EXPLORES) <= timesIn(source, BY_SEED) ? [] : [`${path}: explores without a seed`],
  'leaves no others out': (path, source) => (SET_ASIDE.test(source) ? [`${path}: leaves others out`] : []),
}
function timesIn(source: string, what: RegExp): number {
  return source.match(what)?.length ?? 0
}
const code = new Map(ALL.map((path) => [path, read(path)]))
/** They speak of what is forbidden here. */
const SPEAKERS = ['test/tests-run.project.test.ts', 'test/tiers.project.test.ts']

describe('each test file', () => {
  for (const [name, rule] of Object.entries(RULES)) {
    test(name, () => {
      const found = [...code]
        .filter(([path]) => !SPEAKERS.includes(path))
        .flatMap(([path, source]) => rule(path, source))
      assert.deepEqual(found, [])
    })
  }

  test('shares nothing that waits for time', () => {
    const shared = HELPERS.filter((path) => path.startsWith('test/'))
    assert.deepEqual(
      shared.flatMap((path) => RULES['waits for conditions']?.(path, read(path)) ?? []),
      [],
    )
  })

  test('shares nothing that starts the service in a way that is not known', () => {
    const starting = HELPERS.filter((path) => {
      const source = read(path)
      return OURS.test(source) || (path.startsWith('test/') && !path.startsWith(NOT_STARTING) && STARTED.test(source))
    })
    assert.deepEqual(
      starting.filter((path) => !(path in STARTERS)),
      STARTING,
    )
    for (const [path, name] of Object.entries(STARTERS))
      assert.match(read(path), new RegExp(String.raw`^export (?:async )?function ${name}\(`, 'm'))
  })

  test('of which it is known that it waits is there', () => {
    assert.deepEqual(
      Object.keys(TIMED).filter((path) => !existsSync(join(ROOT, path))),
      [],
    )
  })

  test('that is to be first is there', () => {
    for (const selection of Object.values(SELECTION)) {
      const files = filesOf(selection)
      assert.deepEqual(
        (selection.first ?? []).filter((file) => !files.includes(file)),
        [],
      )
    }
  })

  test('is of one tier', () => {
    const dealt = TIERS.flatMap((tier) => filesOf(SELECTION[tier])).sort()
    assert.deepEqual(dealt, ALL)
  })
})

const SEEDED = 'explores by a seed that it gives'
const PROMISES = "from 'node:timers/promises'"
const ENDS = 'starts the service, a broker or the DRDA server as a process only end to end'
const PLANTED: [rule: string, path: string, source: string, isFault: boolean][] = [
  ...[
    `import { setTimeout as delay } ${PROMISES}\nawait delay(50)`,
    `import { setTimeout as delay } ${PROMISES}\nawait Promise.all([delay(50)])`,
    `import { setImmediate, setTimeout as nap } ${PROMISES}\nreturn nap(50)`,
    `import { setTimeout } ${PROMISES}\nawait setTimeout(50)`,
    `import { scheduler } ${PROMISES}\nawait scheduler.wait(50)`,
    `import * as timers ${PROMISES}\nawait timers.setTimeout(50)`,
    `import timers ${PROMISES}\nawait timers.scheduler.wait(50)`,
    'await new Promise((done) => setTimeout(done, LONG_MS))',
    'await new Promise<void>(done => { globalThis.setTimeout(done, 50) })',
    'Atomics.wait(cell, 0, 0, 50)',
    'await promisify(setTimeout)(50)',
    "await once(AbortSignal.timeout(50), 'abort')",
    `import { setInterval } ${PROMISES}\nfor await (const _ of setInterval(50)) break`,
    `import { setInterval as often } ${PROMISES}\nfor await (const _ of often(50)) break`,
    "const { setTimeout: nap } = await import('node:timers/promises')",
    "execFileSync('sleep', ['1'])",
    "execSync('sleep 1')",
    "await once(spawn('sleep', ['1']), 'exit')",
    'await page.waitForTimeout(50)',
    "import { pause } from '../adapters/http/deadline.ts'\nawait pause(50)",
    "await until('some time has passed', async () => performance.now() - beganAt > 50)",
    "await until('it is late', () =>\n  Date.now() - beganAt > 50)",
  ].map((source): [string, string, string, boolean] => ['waits for conditions', 'src/a.test.ts', source, true]),
  ['waits for conditions', 'test/support/kafka.drill.test.ts', 'setTimeout(look, 1)', true],
  ['waits for conditions', 'src/a.test.ts', "await until('it is so', async () => isSo())", false],
  [
    'waits for conditions',
    'src/a.test.ts',
    "await until('it is quick', () => took() < 5)\nperformance.now() - a > 5",
    false,
  ],
  ['waits for conditions', 'src/a.test.ts', 'socket.setTimeout(SILENCE_MS, end)', false],
  ['waits for conditions', 'src/a.test.ts', `import { setImmediate as turn } ${PROMISES}\nawait turn()`, false],
  [ENDS, 'test/a.component.test.ts', "spawn(node, ['src/main.ts'])", true],
  [ENDS, 'test/a.long.test.ts', "spawn(node, [join(ROOT, 'src', 'main.ts')])", true],
  [ENDS, 'test/a.component.test.ts', "startProcess(t, ['serve'], {})", true],
  [ENDS, 'test/a.contract.test.ts', 'await startKafkaBroker()', true],
  [ENDS, 'test/a.e2e.test.ts', "spawn(node, ['src/main.ts'])", false],
  ...[
    'test.only(',
    'test.skip(',
    'describe.skip(',
    't.todo(',
    "test('later', { todo: true }",
    "test('no', { skip: true }",
    "test('no', { skip: 'flaky' }",
    "test('later', { todo: 'later' }",
    "test('bad', { expectFailure: true }",
    'test.expectFailure(',
  ].map((source): [string, string, string, boolean] => ['leaves no others out', 'src/a.test.ts', source, true]),
  [SEEDED, 'src/a.test.ts', 'fc.assert(fc.property(any, (one) => holds(one)))', true],
  [SEEDED, 'src/a.test.ts', 'const RUNS = { seed: SEED }\nfc.assert(fc.property(any, holds))', true],
  [SEEDED, 'src/a.test.ts', 'fc.assert(a, { seed: SEED })\nfc.sample(b, 10)', true],
  [SEEDED, 'src/a.test.ts', 'const RUNS = { seed: SEED }\nfc.assert(\n  fc.property(any, holds),\n  RUNS,\n)', false],
  [SEEDED, 'src/a.test.ts', 'fc.assert(fc.property(any, holds), { seed: SEED, numRuns: 5 })', false],
  ['leaves no others out', 'src/a.test.ts', "test('only this', { skip: kafkaMissing() ?? false }", false],
]
for (const [rule, path, source, isFault] of PLANTED) {
  test(`${isFault ? 'found' : 'let pass'}: ${source.replaceAll('\n', '; ')}`, () => {
    assert.equal((RULES[rule]?.(path, source) ?? []).length > 0, isFault)
  })
}

test('a name that no tier knows would be seen', () => {
  const known = new Set(TIERS.flatMap((tier) => filesOf(SELECTION[tier])))
  assert.ok(!known.has('src/domain/user.componnent.test.ts'))
  assert.equal(known.size, ALL.length)
})

import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { filesOf, ROOT } from '../scripts/tests/run.ts'
import { SELECTION, TIERS } from '../scripts/tests/tiers.ts'

const ALL = globSync('**/*.test.ts', { cwd: ROOT, exclude: ['**/node_modules/**', 'var/**'] }).sort()
const code = new Map(ALL.map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]))

/** Lines that wait for time to pass, in place of a condition. */
const WAITS = /\bawait (?:delay|setTimeout)\(|\bawait new Promise\(\(\w+\) => setTimeout\(/g
/** Time that passes is what these are about, or the step of a loop that looks again. */
const TIMED: Record<string, [times: number, why: string]> = {
  'src/adapters/redis/local-server.component.test.ts': [1, 'looks again'],
  'src/wiring-legacy.component.test.ts': [1, 'work that is done while others wait for longer than a standstill'],
  'test/kafka/adapters.e2e.test.ts': [
    4,
    'members that handle slowly, and a broker that is frozen for more than a session',
  ],
  'test/kafka/debezium.e2e.test.ts': [1, 'a connector that looks at the tables'],
  'test/kafka/faulty.e2e.test.ts': [2, 'a Redis that is silent, and a database that is locked, for so long'],
  'test/strangler/proxy/faults.component.test.ts': [1, 'a connection that is not to be closed meanwhile'],
  'test/strangler/proxy/streams.component.test.ts': [2, 'streams that are silent for longer than requests may be'],
  'test/support/kafka.e2e.test.ts': [2, 'a signal that is not to come twice; looks again'],
}
const OURS_STARTED = /['"`](?:src\/main\.ts|(?:\.\.\/)*bin\/users-service)['"`]/
const SET_ASIDE = /\b(?:test|describe|suite|it)\.(?:only|todo)\(|\bonly: true/

type Faults = (path: string, source: string) => string[]
const RULES: Record<string, Faults> = {
  'waits for conditions': (path, source) => {
    const [allowed = 0] = TIMED[path] ?? []
    const found = source.match(WAITS)?.length ?? 0
    return found === allowed ? [] : [`${path}: waits for time ${found} times, and ${allowed} are known`]
  },
  'starts the service as a process only end to end': (path, source) =>
    /\.(?:component|long)\.test\.ts$/.test(path) && OURS_STARTED.test(source) ? [`${path}: starts the service`] : [],
  'leaves no others out': (path, source) => (SET_ASIDE.test(source) ? [`${path}: leaves others out`] : []),
}
/** This file speaks of what it forbids. */
const SELF = 'test/tiers.project.test.ts'

describe('each test file', () => {
  for (const [name, rule] of Object.entries(RULES)) {
    test(name, () => {
      const found = [...code].filter(([path]) => path !== SELF).flatMap(([path, source]) => rule(path, source))
      assert.deepEqual(found, [])
    })
  }

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

const PLANTED: [rule: string, path: string, source: string, isFault: boolean][] = [
  ['waits for conditions', 'src/a.test.ts', 'await delay(50)', true],
  ['waits for conditions', 'src/a.test.ts', 'await new Promise((done) => setTimeout(done, LONG_MS))', true],
  ['waits for conditions', 'test/support/kafka.e2e.test.ts', 'await delay(1)', true],
  ['waits for conditions', 'src/a.test.ts', "await until('it is so', async () => isSo())", false],
  ['starts the service as a process only end to end', 'test/a.component.test.ts', "spawn(node, ['src/main.ts'])", true],
  ['starts the service as a process only end to end', 'test/a.e2e.test.ts', "spawn(node, ['src/main.ts'])", false],
  ['leaves no others out', 'src/a.test.ts', "test.only('this', () => {})", true],
  ['leaves no others out', 'src/a.test.ts', "test('only this', () => {})", false],
]
for (const [rule, path, source, isFault] of PLANTED) {
  test(`${isFault ? 'found' : 'let pass'}: ${source}`, () => {
    assert.equal((RULES[rule]?.(path, source) ?? []).length > 0, isFault)
  })
}

test('a name that no tier knows would be seen', () => {
  const known = new Set(TIERS.flatMap((tier) => filesOf(SELECTION[tier])))
  assert.ok(!known.has('src/domain/user.componnent.test.ts'))
  assert.equal(known.size, ALL.length)
})

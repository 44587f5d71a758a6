// A change of the OpenAPI document that breaks clients of the last release fails, with a list of what it breaks.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { compareOpenApi, DOCUMENT, lastRelease, OASDIFF, ROOT } from '../../../scripts/openapi-breaking.ts'
import { LEFT, RAISED } from '../../../scripts/openapi-levels.ts'
import { changes, withoutOasdiff } from './changes.ts'
import { linkedProject } from './linked.ts'
import { BREAKING } from './planted.ts'

const { before: BEFORE, changed, written, errorsOf } = changes()
const skip = withoutOasdiff()
const RAISED_CHECKS = RAISED.flatMap(({ checks }) => checks)

test('what it says breaks no client of the last release', { skip }, () => {
  const { isBroken, said } = compareOpenApi(lastRelease(), DOCUMENT)
  assert.equal(isBroken, false, said.join('\n'))
  const { status, stdout } = spawnSync(process.execPath, ['scripts/openapi-breaking.ts'], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  assert.equal(status, 0, stdout)
  assert.match(stdout, /^Breaks nobody: what has changed since contracts\/releases\//)
})

for (const [what, change, expected] of BREAKING) {
  test(`${what}: that breaks, and is said`, { skip }, () => {
    assert.match(errorsOf(change).join('\n'), expected)
  })
}

test('what was looked at stands beside the release, word for word, and is left out', { skip }, () => {
  const release = changed(() => undefined, 'accepting/openapi.json')
  const wider = changed(({ components }) => {
    components.schemas.Registration.properties.username.pattern = '^[a-z0-9._-]{2,64}$'
    delete components.schemas.Registration.properties.phone
  })
  const [looked = '', ...others] = compareOpenApi(release, wider).said.sort()
  assert.match(looked, /^error: POST \/v1\/users changed the pattern/)
  writeFileSync(join(dirname(release), 'accepted.txt'), `# It takes more.\n${looked}\n`)
  assert.deepEqual(compareOpenApi(release, wider), { isBroken: true, said: others, stale: [] })
  writeFileSync(join(dirname(release), 'accepted.txt'), [looked, ...others].join('\n'))
  assert.deepEqual(compareOpenApi(release, wider), { isBroken: false, said: [], stale: [] })
  const narrower = changed(() => undefined, 'as-it-was.json')
  const { isBroken, said, stale } = compareOpenApi(release, narrower)
  assert.deepEqual([isBroken, said, stale.toSorted()], [false, [], [looked, ...others].sort()])
})

const LINE = 'error: GET /v1/users changed nothing at all [api-shoe-changed]'
const LEFT_BEHIND: [what: string, file: string, expected: RegExp][] = [
  [
    'a line that accepts what is not changed',
    '0.1.0/accepted.txt',
    /^Breaks nobody: .*\naccepted\.txt: there is no such/,
  ],
  ['a folder that is no release', 'next/notes.txt', /^contracts\/releases\/next is no release: .*\.\n$/],
  ['a release without a document', '9.9.9/notes.txt', /^contracts\/releases\/9\.9\.9 is no release: .*\.\n$/],
]
for (const [what, file, expected] of LEFT_BEHIND) {
  test(`${what} is told, in one sentence, and is a fault`, { skip }, (t) => {
    const { root, run } = linkedProject({ hasTools: true })
    t.after(() => rmSync(root, { recursive: true, force: true }))
    const path = join(root, 'contracts/releases', file)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, `${LINE}\n`)
    const { status, output } = run([join(root, 'scripts/openapi-breaking.ts')])
    assert.equal(status, 1, output)
    assert.match(output, expected)
  })
}

test('what oasdiff cannot read is said', { skip }, () => {
  assert.throws(
    () => compareOpenApi(BEFORE, written('none.json', { openapi: 3 })),
    /^Error: oasdiff ended with \d+: \S/,
  )
})

test('each of oasdiff’s checks that breaks nobody by itself was thought about', { skip }, () => {
  type Check = { id: string; level: string; direction: string; effect: string }
  const catalogue = execFileSync(OASDIFF, ['checks', 'changelog', '--format', 'json'], { encoding: 'utf8' })
  const lenient = (JSON.parse(catalogue) as Check[]).filter(({ level }) => level !== 'error')
  // Requests that take more and answers that say less are what does no harm.
  const isHarmless = ({ direction, effect }: Check) =>
    (direction === 'request' && effect === 'widens') || (direction === 'response' && effect === 'narrows')
  const timesIn = ({ id }: Check) =>
    RAISED_CHECKS.filter((one) => one === id).length + LEFT.filter(({ checks }) => checks.test(id)).length
  assert.deepEqual(
    lenient.filter((check) => timesIn(check) !== 1 && !(isHarmless(check) && timesIn(check) === 0)),
    [],
    'in neither list, or twice',
  )
  assert.deepEqual(
    RAISED_CHECKS.filter((id) => !lenient.some((check) => check.id === id)),
    [],
    'an error to oasdiff itself, or no check',
  )
  for (const { checks } of LEFT)
    assert.ok(
      lenient.some(({ id }) => checks.test(id)),
      `${checks} names no check`,
    )
})

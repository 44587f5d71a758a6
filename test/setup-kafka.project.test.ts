import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { cp, mkdir, mkdtemp, realpath, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ensureKafka, kafkaFolder, warmFolder } from '../scripts/setup-kafka.mjs'

const SCRIPTS = join(import.meta.dirname, '..', 'scripts')
const RUN_LIMIT_MS = 20_000

type Options = { isFetched?: boolean; isWarm?: boolean; java?: string; mvn?: boolean }

/** A project folder, and a PATH with a Java that says it is this one, and with an mvn that is Node and knows no option. */
async function project(t: TestContext, { isFetched = false, isWarm = false, java, mvn = false }: Options) {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'users-service-setup-')))
  t.after(() => rm(root, { recursive: true }))
  const bin = join(root, 'bin')
  await mkdir(bin)
  if (isFetched) await mkdir(kafkaFolder(root), { recursive: true })
  if (java) await writeFile(join(bin, 'java'), `#!/bin/sh\necho '${java}'\n`, { mode: 0o755 })
  if (isWarm) await mkdir(warmFolder(root, join(bin, 'java')))
  if (mvn) await symlink(process.execPath, join(bin, 'mvn'))
  const said: string[] = []
  return { root, env: { PATH: bin }, write: (text: string) => void said.push(text), said }
}

const JAVA_17 = 'openjdk 17.0.15 2025-04-15'

test('where all is there, nothing is said and nothing done', async (t) => {
  const tools = await project(t, { isFetched: true, isWarm: true, java: JAVA_17 })
  assert.equal(ensureKafka(tools), undefined)
  assert.deepEqual(tools.said, [])
})

/** A Node that leaves the folder that it is told to make, or that cannot. */
async function nodeThat(root: string, does: string) {
  await writeFile(join(root, 'bin', 'node'), `#!/bin/sh\n${does}\n`, { mode: 0o755 })
}
const MAKES = `/bin/mkdir -p "$2" && echo made > "$2/classes.jsa"`

test('quick starts are prepared once for each Java, and what was for another one goes', async (t) => {
  const tools = await project(t, { isFetched: true, java: JAVA_17 })
  const java = join(tools.root, 'bin', 'java')
  const folders = () => readdirSync(kafkaFolder(tools.root))
  await nodeThat(tools.root, MAKES)
  const first = warmFolder(tools.root, java)
  for (let round = 0; round < 2; round += 1) assert.equal(ensureKafka(tools), undefined)
  assert.match(tools.said.join(''), /^Preparing quick starts of Kafka's broker \.\.\. [\d.]+ s\n$/)
  assert.deepEqual([folders(), existsSync(join(first, 'classes.jsa'))], [[basename(first)], true])
  // As an update leaves it: another one in the same place.
  await utimes(java, 0, 0)
  const second = warmFolder(tools.root, java)
  assert.notEqual(second, first)
  assert.equal(ensureKafka(tools), undefined)
  assert.deepEqual(folders(), [basename(second)])
})

test('where quick starts cannot be prepared the broker is there all the same, and it is not tried again', async (t) => {
  const tools = await project(t, { isFetched: true, java: JAVA_17 })
  await nodeThat(tools.root, 'exit 1')
  for (let round = 0; round < 2; round += 1) assert.equal(ensureKafka(tools), undefined)
  assert.equal(tools.said.join(''), "Preparing quick starts of Kafka's broker ... failed\n")
})

const MISSING: [what: string, options: Options, why: RegExp][] = [
  ['java', { isFetched: true, mvn: true }, /^java, .* is not on the PATH$/],
  ['a newer java', { java: 'openjdk 11.0.27 2025-04-15', mvn: true }, /^the broker needs Java 17, .* is older$/],
  ['a java that answers', { java: ' ', mvn: true }, /^the broker needs Java 17/],
  ['mvn', { java: JAVA_17 }, /Apache Kafka: mvn is not on the PATH/],
]
for (const [what, options, why] of MISSING) {
  test(`says what is missing: ${what}`, async (t) => {
    const tools = await project(t, options)
    assert.match(ensureKafka(tools) ?? '', why)
    assert.deepEqual(tools.said, [])
  })
}

test('a fetch that fails says why', async (t) => {
  const tools = await project(t, { java: JAVA_17, mvn: true })
  assert.match(ensureKafka(tools) ?? '', /^Fetching Apache Kafka: .*bad option/s)
  assert.match(tools.said.join(''), /^Fetching Apache Kafka \.\.\. failed\n$/)
})

const PROGRAM: [name: string, args: string[], env: Record<string, string>, status: number, said: RegExp][] = [
  ['leaves the tests out in a sentence', [], {}, 0, /^The tests over Kafka are left out: java, .* on the PATH\.\n$/],
  ['fails in continuous integration', [], { CI: 'true' }, 1, /^Apache Kafka cannot be set up: java, .* on the PATH\n$/],
  ['fails where it is needed', ['needed'], {}, 1, /^Apache Kafka cannot be set up: java, .* on the PATH\n$/],
]
for (const [name, args, env, status, said] of PROGRAM) {
  test(`as a program it ${name}`, async (t) => {
    const tools = await project(t, {})
    const scripts = join(tools.root, 'scripts')
    for (const file of ['setup-kafka.mjs', 'setup-tools.mjs']) await cp(join(SCRIPTS, file), join(scripts, file))
    const options = { env: { ...tools.env, ...env }, encoding: 'utf8', timeout: RUN_LIMIT_MS } as const
    const result = spawnSync(process.execPath, [join(scripts, 'setup-kafka.mjs'), ...args], options)
    assert.match(result.stdout + result.stderr, said)
    assert.equal(result.status, status)
  })
}

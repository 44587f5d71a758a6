import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ask } from '../src/adapters/redis/one-question.ts'
import { readExposition, seriesValue } from './support/exposition.ts'
import { conventionFaults } from './support/metric-conventions.ts'
import { until } from './support/service.ts'
import { bearer } from './support/tokens.ts'
import { UNHURRIED } from './support/unhurried.ts'

const ROOT = join(import.meta.dirname, '..')
/** On a machine with much else to do. */
const LIMIT_MS = 60_000

/** Of somebody else's tokens; nothing answers there. */
const ISSUER = { AUTH_ISSUER: 'us', AUTH_AUDIENCE: 'users', AUTH_JWKS_URL: 'http://127.0.0.1:1/keys' }

type Run = Awaited<ReturnType<typeof start>>
/** The command line as a process of its own, on a data folder of its own. */
async function start(t: TestContext, args: string[], environment: Record<string, string> = {}, given?: string) {
  const dir = given ?? (await mkdtemp(join(tmpdir(), 'users-service-cli-')))
  const child = spawn(process.execPath, [join(ROOT, 'src', 'main.ts'), ...args], {
    cwd: ROOT,
    env: { PATH: process.env.PATH ?? '', DATA_DIR: dir, PORT: '0', LOG_FORMAT: 'json', ...UNHURRIED, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.err += text
  })
  const closed = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string)
  t.after(async () => {
    const pid = await redisPid(dir)
    child.kill('SIGKILL')
    await closed
    if (pid !== null && isAlive(pid)) process.kill(pid, 'SIGKILL')
    await rm(dir, { recursive: true, force: true, maxRetries: 5 })
  })
  const ended = async () => {
    const late = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS)
    const code = await closed
    clearTimeout(late)
    return { code, ...said }
  }
  const says = async (text: string) => {
    const deadline = AbortSignal.timeout(LIMIT_MS)
    while (!said.out.includes(text)) {
      const ends = closed.then(() => 'it has ended')
      const more = once(child.stdout, 'data', { signal: deadline }).then(() => null)
      const why = await Promise.race([ends, more]).catch(() => 'its time is up')
      if (why !== null && !said.out.includes(text)) assert.fail(`${why} without "${text}": ${said.out} ${said.err}`)
    }
  }
  return { child, dir, said, ended, says, kill: (signal: NodeJS.Signals) => child.kill(signal) }
}

async function redisPid(dir: string): Promise<number | null> {
  const text = await readFile(join(dir, 'redis', 'redis.pid'), 'utf8').catch(() => '')
  return Number.parseInt(text, 10) || null
}
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
async function knownRedis({ dir }: Run): Promise<number> {
  return (await redisPid(dir)) ?? assert.fail('it runs a Redis')
}
const gone = (pid: number) => until(`Redis ${pid} ends`, async () => !isAlive(pid))
/** Asks as the lines to paste do. */
function askedAsShown({ said: { out } }: Run) {
  const address = /http:\/\/127\.0\.0\.1:\d+/.exec(out)?.[0] ?? assert.fail(out)
  const token = /TOKEN=(\S+)/.exec(out)?.[1] ?? assert.fail(out)
  return (path: string) => fetch(`${address}${path}`, { headers: { authorization: bearer(token) } })
}
const DEVELOPMENT_KEY = /^.*no issuer is set: tokens are those of a development key.*$/m
const oneSentence = (text: string) => assert.match(text, /^[^\n]+[.?]\n$/)

async function takenPort(t: TestContext): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

test('a port that is taken is one sentence and 1, before anything is started', async (t) => {
  const port = await takenPort(t)
  for (const args of [['all', '--seed-users', '50'], ['serve']]) {
    const run = await start(t, args, {
      PORT: String(port),
      REDIS_URL: args[0] === 'serve' ? 'redis://127.0.0.1:1' : '',
    })
    const { code, out, err } = await run.ended()
    assert.deepEqual([code, out], [1, ''])
    assert.equal(err, `Cannot listen on 127.0.0.1, port ${port}: another program does; end it, or set PORT.\n`)
    assert.equal(await redisPid(run.dir), null)
    assert.ok(!existsSync(join(run.dir, 'all.pid')))
  }
})

test('so is a port for metrics that is taken', async (t) => {
  const port = await takenPort(t)
  const REDIS_URL = 'redis://127.0.0.1:1'
  for (const [args, environment] of [
    [['all', '--seed-users', '50'], {}],
    [['serve'], { REDIS_URL }],
    [['work', 'project'], { REDIS_URL }],
  ] as const) {
    const run = await start(t, [...args], { METRICS_PORT: String(port), ...environment })
    const { code, out, err } = await run.ended()
    assert.deepEqual([code, out], [1, ''])
    assert.equal(err, `Cannot listen on 127.0.0.1, port ${port}: another program does; end it, or set METRICS_PORT.\n`)
    assert.equal(await redisPid(run.dir), null)
  }
})

test('every process gives its metrics on a port of their own, and takes them along when it ends', async (t) => {
  const all = await start(t, ['all', '--seed-users', '50'], { METRICS_PORT: '0' })
  await all.says('Ctrl-C ends it')
  const REDIS_URL = await readFile(join(all.dir, 'redis.url'), 'utf8')
  const given = { DATA_DIR: all.dir, REDIS_URL, METRICS_PORT: '0' }
  const others = [await start(t, ['serve'], given), await start(t, ['work', 'project'], given)]
  await others[0]?.says('"serving"')
  await others[1]?.says('"working"')
  for (const run of [all, ...others]) {
    const url = /http:\/\/127\.0\.0\.1:\d+\/metrics/.exec(run.said.out)?.[0] ?? assert.fail(run.said.out)
    const text = await (await fetch(url)).text()
    const families = readExposition(text)
    assert.deepEqual(families.flatMap(conventionFaults), [])
    const names = families.map(({ name }) => name)
    assert.ok(names.includes('process_cpu_seconds_total'))
    assert.equal(names.includes('users_neighbour_breaker_state'), run !== others[1])
    // The workers of `all` are a thread of its process.
    for (const name of ['users_changes_handled_total', 'users_consistency_nines', 'users_ready'])
      assert.equal(
        names.includes(name),
        run === all || (run === others[1] ? name.includes('changes') : name === 'users_ready'),
        name,
      )
    if (run === others[1]) continue
    const closed = { neighbour: 'people-service', state: 'closed' }
    // `all` has made-up neighbours, `serve` has none.
    assert.equal(seriesValue(text, 'users_neighbour_breaker_state', closed), run === all ? 1 : 0)
  }
  for (const run of [...others, all]) {
    run.kill('SIGTERM')
    const { code, err } = await run.ended()
    assert.deepEqual([code, err], [0, ''])
  }
})

test('what is missing or wrong at the start is one sentence', async (t) => {
  const noDatabase = await mkdtemp(join(tmpdir(), 'users-service-cli-'))
  await writeFile(join(noDatabase, 'users.db'), 'This is some text, and certainly no database. '.repeat(100))
  const cases: [string[], Record<string, string>, RegExp, string?][] = [
    [['serve'], {}, /^Set REDIS_URL/],
    [['work', 'project'], {}, /^Set REDIS_URL/],
    [['rebuild'], {}, /^Set REDIS_URL/],
    [['rebuild'], { REDIS_URL: 'redis://127.0.0.1:1' }, /^Redis does not answer/],
    [['serve'], { REDIS_URL: 'redis://127.0.0.1:1' }, /users\.db cannot be opened: file is not a database/, noDatabase],
    [['serve'], { HOST: '192.0.2.1', REDIS_URL: 'redis://127.0.0.1:1', ...ISSUER }, /no such address; set HOST/],
  ]
  for (const [args, environment, message, dir] of cases) {
    const { code, err } = await (await start(t, args, { LOG_LEVEL: 'silent', ...environment }, dir)).ended()
    assert.equal(code, 1, args.join(' '))
    assert.match(err, message)
    oneSentence(err)
  }
})

test('where others could reach it, nothing starts without an issuer of tokens', async (t) => {
  for (const args of [['all', '--seed-users', '50'], ['serve']]) {
    const run = await start(t, args, { HOST: '0.0.0.0', REDIS_URL: 'redis://127.0.0.1:1' })
    const { code, out, err } = await run.ended()
    assert.deepEqual([code, out], [1, ''], args.join(' '))
    assert.match(err, /^Wrong settings\. AUTH_ISSUER, [^\n]+: without them HOST must be 127\.0\.0\.1[^\n]+\n$/)
    assert.ok(!existsSync(join(run.dir, 'development-key.json')))
  }
})

test('under a running `all`, `seed` and another `all` are refused; its people stay, and its Redis is started again', async (t) => {
  const all = await start(t, ['all', '--seed-users', '50'])
  await all.says('Ctrl-C ends it')
  for (const args of [
    ['seed', '--users', '60'],
    ['all', '--seed-users', '60'],
  ]) {
    const { code, err } = await (await start(t, args, {}, all.dir)).ended()
    assert.equal(code, 1)
    assert.match(err, new RegExp(`already works on .* as process ${all.child.pid}; `))
    oneSentence(err)
  }
  const asked = askedAsShown(all)
  assert.equal((await asked('/v1/users/50')).status, 200)
  assert.equal((await asked('/v1/users/51')).status, 404)

  process.kill(await knownRedis(all), 'SIGKILL')
  await all.says('the bundled Redis runs again')
  await until('reads come from Redis', async () => {
    const answer = await asked('/v1/users/1')
    assert.equal(answer.status, 200)
    return answer.headers.get('read-from') === 'redis'
  })
  const url = await readFile(join(all.dir, 'redis.url'), 'utf8')
  assert.match((await ask(Number(new URL(url).port), 'PING')) ?? '', /PONG/)

  const redis = await knownRedis(all)
  all.kill('SIGINT')
  assert.equal((await all.ended()).code, 0)
  assert.ok(!isAlive(redis), 'Redis has ended before')
  assert.ok(!existsSync(join(all.dir, 'all.pid')))
})

test('Ctrl-C during the first build ends it cleanly: no stack, no warning', async (t) => {
  const all = await start(t, ['all', '--seed-users', '15000'])
  await all.says('began a new incarnation')
  const redis = await knownRedis(all)
  all.kill('SIGINT')
  const { code, out, err } = await all.ended()
  assert.deepEqual([code, err], [0, ''])
  // By which key tokens are signed here is warned of each time.
  assert.match(out, DEVELOPMENT_KEY)
  assert.doesNotMatch(out.replace(DEVELOPMENT_KEY, ''), /"level":[45]0|broken off|Ctrl-C ends it/)
  assert.ok(!isAlive(redis))
})

test('a worker that waits for a broker ends when it is told', async (t) => {
  const nobody = { FEED: 'kafka', KAFKA_BROKERS: '127.0.0.1:1', METRICS_PORT: '0' }
  const relay = await start(t, ['work', 'relay'], nobody)
  // What it says first; it then looks for the broker for some seconds.
  await relay.says('/metrics')
  relay.child.kill('SIGTERM')
  const { code, out, err } = await relay.ended()
  assert.deepEqual([code, err], [0, ''], out)
  assert.match(out, /"msg":"stopping"/)
  assert.doesNotMatch(out, /"msg":"working"/)
})

test('a second signal ends it at once, and its Redis too', async (t) => {
  const all = await start(t, ['all', '--seed-users', '50'])
  await all.says('Ctrl-C ends it')
  const redis = await knownRedis(all)
  // It cannot end the usual way while its Redis does not: the second signal comes in the middle.
  process.kill(redis, 'SIGSTOP')
  all.kill('SIGINT')
  await all.says('"stopping"')
  all.kill('SIGINT')
  assert.equal((await all.ended()).code, 1)
  process.kill(redis, 'SIGCONT')
  await gone(redis)
})

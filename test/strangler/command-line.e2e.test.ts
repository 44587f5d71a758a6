import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { CommanderError } from 'commander'
import { stranglerCommand } from '../../src/cli/strangler.ts'
import { lastFirst, type Owner } from '../contract/rig.ts'
import { until } from '../support/service.ts'
import { addUsers, answerWith, type Client, legacyUser, startFront, startLegacy, wellBehaved } from './rig.ts'

const COMMAND = join(import.meta.dirname, '..', '..', 'bin', 'users-service')

const REASON = ['--reason', 'x']

type Ended = { code: number | null; out: string; errors: string }

/** `users-service strangler …`, as somebody at a terminal runs it beside the service. */
async function strangler(t: Owner, environment: Record<string, string>, ...given: string[]): Promise<Ended> {
  const { PATH = '' } = process.env
  const child = spawn(COMMAND, ['strangler', ...given], { env: { PATH, ...environment } })
  t.after(() => child.kill('SIGKILL'))
  let [out, errors] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (part) => {
    out += part
  })
  child.stderr.setEncoding('utf8').on('data', (part) => {
    errors += part
  })
  const [code] = await once(child, 'close')
  return { code, out, errors }
}

/** Users, asked for on and on, by so many at a time, until the test ends. */
function load(t: Owner, client: Client, { users, askers }: { users: number; askers: number }) {
  let stopped = false
  let failed = 0
  let id = 0
  const asking = async () => {
    while (!stopped) {
      id = (id % users) + 1
      const answer = await client.ask(`/users/${id}/`).catch(() => null)
      if (answer?.status !== 200) failed += 1
    }
  }
  const running = Array.from({ length: askers }, asking)
  t.after(async () => {
    stopped = true
    await Promise.all(running)
  })
  return { failed: () => failed }
}

test('a route is set, shown and reset from the command line, by id or name; who did it stands in the audit', async (context) => {
  const t = lastFirst(context)
  const legacy = await startLegacy(t)
  const { service, ask } = await startFront(t, legacy.url)
  await addUsers(service, 1)
  const run = (...given: string[]) => strangler(t, service.environment, ...given)
  const set = await run('set', 'GET:/users/:id', 'canary', '100', '--reason', 'all of them')
  assert.deepEqual(set, {
    code: 0,
    out: 'GET:/users/:id is in canary 100 %; in force everywhere within a second.\n',
    errors: '',
  })
  await until('it is in force', async () => (await ask('/users/1/')).by === 'native')
  assert.match((await run('list')).out, /^GET:\/users\/:id {2}\(get-user\)\n {2}canary 100 %\n.*: all of them\n/)
  assert.equal(JSON.parse((await run('list', '--json')).out).routes[0].setting.reason, 'all of them')
  assert.match((await run('reset', 'get-user')).out, /^get-user is in legacy again/)
  await until('it is in force', async () => (await ask('/users/1/')).by === 'legacy')
  const rows = await service.query("SELECT actor, event_type FROM user_audit WHERE entity = 'route' ORDER BY audit_id")
  assert.deepEqual(
    rows.map((row) => row.event_type),
    ['route-set', 'route-reset'],
  )
  for (const { actor } of rows) assert.match(String(actor), /^cli:./)
})

test('with which modes the replicas start is known also without their settings', async (context) => {
  const t = lastFirst(context)
  const dir = await mkdtemp(join(tmpdir(), 'users-service-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  const file = join(dir, 'modes.json')
  await writeFile(file, '{"get-user": "native"}')
  const { service } = await startFront(t, null, { worker: false, environment: { STRANGLER_MODES: file } })
  const run = (...given: string[]) => strangler(t, service.environment, ...given)
  assert.match((await run('list')).out, /^GET:\/users\/:id {2}\(get-user\)\n {2}native\n/)
  await run('set', 'get-user', 'legacy', '--reason', 'x')
  assert.equal((await run('reset', 'get-user')).out, 'get-user is in native again, as it starts.\n')
  assert.match((await run('promote', 'get-user', '--reason', 'x')).out, /^done: get-user is in native\n$/)
})

test('what cannot be is said in one sentence, and nothing is changed', async (context) => {
  const t = lastFirst(context)
  const { service } = await startFront(t, null, { worker: false })
  const bad: [given: string[], said: RegExp][] = [
    [['set', 'none', 'native', ...REASON], /^There is no route "none"; `users-service strangler list` names them\.\n$/],
    [['set', 'change-user', 'shadow', ...REASON], /^PATCH:\/users\/:id changes something: it is never done twice\.\n$/],
    [['set', 'get-user', 'half', ...REASON], /It is one of legacy, shadow, canary, native/],
    [['set', 'get-user', 'canary', ...REASON], /^A canary, and nothing else, has a percentage/],
    [['promote', 'none', ...REASON], /^There is no route "none"/],
  ]
  for (const [given, said] of bad) {
    const { code, errors } = await strangler(t, service.environment, ...given)
    assert.equal(code, 1, given.join(' '))
    assert.match(errors, said)
    assert.doesNotMatch(errors, /\n\s+at /)
  }
  assert.deepEqual(await service.query('SELECT * FROM service_switches'), [])
})

/** In this process: what follows is refused before anything is asked, and a process that is refused is seen above. */
async function refusalOf(given: string[]): Promise<string> {
  let told = ''
  const command = stranglerCommand()
  for (const each of [command, ...command.commands])
    each.exitOverride().configureOutput({
      writeErr: (text) => {
        told += text
      },
    })
  await assert.rejects(command.parseAsync(given, { from: 'user' }), (error: Error) => {
    // Commander has told of its own; what a command throws is told by main.ts.
    told ||= error.message
    return error instanceof CommanderError || (error as { expected?: boolean }).expected === true
  })
  return told
}

test('what is asked for in a wrong way is refused before anything is asked', async () => {
  const bad: [given: string[], said: RegExp][] = [
    [['set', 'get-user', 'native', '5', ...REASON], /^A canary, and nothing else, has a percentage/],
    [['set', 'get-user', 'canary', '101', ...REASON], /It is a number above 0, at most 100/],
    [['set', 'get-user', 'native', '--reason', ' '], /It is one line of 1 to 255 characters/],
    [['set', 'get-user', 'native'], /required option '--reason <text>' not specified/],
  ]
  for (const [given, said] of bad) assert.match(await refusalOf(given), said)
})

/** So much slower than we are that this is so on a busy machine, too: whoever is slower is not promoted. */
const LEGACY_TAKES_MS = 250
const FAST = ['--reason', 'test', '--step-seconds', '1', '--least', '5', '--patience-seconds', '30']

test('promoted under load, a route goes all the way, and no request fails', async (context) => {
  const t = lastFirst(context)
  const users = 400
  const legacy = await startLegacy(
    t,
    (request, response) => void setTimeout(() => wellBehaved(request, response), LEGACY_TAKES_MS),
  )
  const { service, ...client } = await startFront(t, legacy.url)
  await addUsers(service, users)
  const { failed } = load(t, client, { users, askers: 16 })
  const { code, out, errors } = await strangler(
    t,
    service.environment,
    'promote',
    'get-user',
    '--to',
    'native',
    ...FAST,
  )
  assert.deepEqual([code, errors], [0, ''], out)
  for (const step of ['shadow', 'canary 1 %', 'canary 5 %', 'canary 25 %', 'canary 50 %', 'canary 100 %', 'native'])
    assert.ok(out.includes(`get-user: ${step}`), out)
  assert.match(out, /done: get-user is in native\n$/)
  assert.equal(failed(), 0)
})

test('where answers differ it goes no further, and says where', async (context) => {
  const t = lastFirst(context)
  const legacy = await startLegacy(t, (_request, response) => answerWith(response, { ...legacyUser(1), title: 'Duke' }))
  const { service, ...client } = await startFront(t, legacy.url)
  await addUsers(service, 1)
  load(t, client, { users: 1, askers: 1 })
  const { code, out } = await strangler(t, service.environment, 'promote', 'get-user', ...FAST)
  assert.equal(code, 1, out)
  assert.match(out, /not further: \d+ answers differ, at \/title \(\d+×\)\n$/)
  assert.equal((await client.routeOf('get-user')).mode, 'shadow')
})

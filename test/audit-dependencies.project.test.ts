import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { faultsOf, verdictOf } from '../scripts/audit-dependencies.mjs'
import { lastFirst, type Owner } from './contract/rig.ts'

const ROOT = join(import.meta.dirname, '..')
const read = async (name: string) => JSON.parse(await readFile(join(ROOT, name), 'utf8'))
const HASH = `sha512-${'A'.repeat(86)}==`

const MANIFEST = { name: 'audited', version: '1.0.0', dependencies: { harmless: '1.2.3' } }
const LOCK = {
  ...{ name: 'audited', version: '1.0.0', lockfileVersion: 3 },
  packages: { '': MANIFEST, 'node_modules/harmless': { version: '1.2.3', integrity: HASH } },
}

test('what this project depends on is pinned, hashed, and runs nothing that nobody has allowed', async () => {
  assert.deepEqual(faultsOf({ manifest: await read('package.json'), lock: await read('package-lock.json') }), [])
  const [manifest, lock] = [await read('test/mutation/package.json'), await read('test/mutation/package-lock.json')]
  assert.deepEqual(faultsOf({ manifest, lock, withScripts: {} }), [])
})

const faultsWith = (manifest: object, packages: object = {}, withScripts: Record<string, string> = {}) =>
  faultsOf({
    manifest: { ...MANIFEST, ...manifest },
    lock: { ...LOCK, packages: { ...LOCK.packages, ...packages } },
    withScripts,
  })

test('each way of not knowing what is installed is named', () => {
  assert.deepEqual(faultsWith({}), [])
  for (const version of [
    '^1.2.3',
    '~1.2.3',
    '1.2',
    '*',
    'latest',
    '>=1.2.3',
    'github:a/b',
    'https://x/y.tgz',
    '1.2.3 || 2.0.0',
  ]) {
    const expected = [`harmless is not pinned: ${version}`]
    for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies'])
      assert.deepEqual(faultsWith({ dependencies: {}, [kind]: { harmless: version } }), expected)
  }
  assert.deepEqual(faultsWith({ dependencies: { absent: '1.0.0' } }), ['absent is not locked'])
  const locked = (more: object) => ({ 'node_modules/a/node_modules/@b/c': { version: '1.0.0', ...more } })
  const unhashed = ['@b/c has no hash of what it must be']
  for (const more of [{}, { integrity: 'sha1-AAAA' }, { integrity: 'sha512-' }, { link: true, integrity: HASH }])
    assert.deepEqual(faultsWith({}, locked(more)), unhashed)
  assert.deepEqual(faultsWith({}, locked({ inBundle: true })), [])
})

test('a script for an installation needs a reason, and a reason a script', () => {
  const scripted = { 'node_modules/@b/c': { version: '1.0.0', integrity: HASH, hasInstallScript: true } }
  assert.match(faultsWith({}, scripted).join(), /^@b\/c has a script .* nobody has said why it may$/)
  assert.deepEqual(faultsWith({}, scripted, { '@b/c': 'because' }), [])
  assert.match(faultsWith({}, {}, { gone: 'because' }).join(), /^gone has no script .* take it off the list$/)
})

test('what npm prints when it cannot tell is no all-clear', () => {
  for (const text of ['', 'null', '[]', '{}', 'npm error', '{"error":{"code":"ENOLOCK"}}', '{"vulnerabilities":{}}'])
    assert.equal(verdictOf(text).outcome, 'unknown', text)
  assert.equal(verdictOf('{"statusCode":500,"error":{}}').outcome, 'unknown')
  for (const statusCode of [404, 405, 501])
    assert.equal(verdictOf(JSON.stringify({ statusCode })).outcome, 'not-offered')
})

/** A registry that answers what is asked of weaknesses by `advisories`, or by a status alone; and knows one package. */
async function startRegistry(t: Owner, answer: { status: number; advisories?: object }) {
  const asked: string[] = []
  const server = createServer(async (request, response) => {
    asked.push(`${request.method} ${request.url}`)
    for await (const _ of request);
    const isAudit = request.url?.startsWith('/-/npm/v1/security/')
    const body = isAudit
      ? answer.advisories
      : { name: 'harmless', versions: { '1.2.3': { name: 'harmless', version: '1.2.3' } } }
    response.writeHead(isAudit ? answer.status : 200, { 'content-type': 'application/json' })
    response.end(body === undefined ? '' : JSON.stringify(body))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, asked }
}

/** The script itself, in a project of one package. Beside this process, which is the registry. */
async function auditAt(t: Owner, registry: string, ...args: string[]) {
  const root = await mkdtemp(join(tmpdir(), 'users-service-audit-'))
  t.after(() => rm(root, { recursive: true, force: true }))
  await mkdir(join(root, 'scripts'))
  for (const name of ['setup-tools.mjs', 'audit-dependencies.mjs'])
    await cp(join(ROOT, 'scripts', name), join(root, 'scripts', name))
  const script = join(root, 'scripts', 'audit-dependencies.mjs')
  // The list is of this project's own packages.
  await writeFile(
    script,
    (await readFile(script, 'utf8')).replace(/const WITH_SCRIPTS = {[^}]*}/, 'const WITH_SCRIPTS = {}'),
  )
  await writeFile(join(root, 'package.json'), JSON.stringify(MANIFEST))
  await writeFile(join(root, 'package-lock.json'), JSON.stringify(LOCK))
  const home = { HOME: root, npm_config_cache: join(root, 'cache'), npm_config_registry: registry }
  const child = spawn(process.execPath, [script, ...args], { cwd: root, env: { PATH: process.env.PATH, ...home } })
  const said = { out: '', err: '' }
  child.stdout.on('data', (text) => (said.out += text))
  child.stderr.on('data', (text) => (said.err += text))
  const [code] = await once(child, 'close')
  return { code, ...said }
}

const advisory = (severity: string) => ({
  harmless: [
    {
      ...{ id: 1, url: 'https://example.com/1', title: 'Not so harmless', severity, vulnerable_versions: '<2.0.0' },
      ...{ cwe: ['CWE-1'], cvss: { score: 9, vectorString: null } },
    },
  ],
})

for (const severity of ['high', 'critical']) {
  test(`a weakness that is ${severity} fails, and is named`, async (context) => {
    const t = lastFirst(context)
    const registry = await startRegistry(t, { status: 200, advisories: advisory(severity) })
    const { code, err } = await auditAt(t, registry.url)
    assert.equal(code, 1)
    assert.match(err, new RegExp(`known weaknesses.*\\n +harmless \\S+: ${severity}`))
    assert.ok(registry.asked.some((one) => one.startsWith('POST /-/npm/v1/security/')))
  })
}

test('a lesser one is for the next update, and none is none', async (context) => {
  const t = lastFirst(context)
  for (const advisories of [advisory('moderate'), {}]) {
    const registry = await startRegistry(t, { status: 200, advisories })
    const { code, out, err } = await auditAt(t, registry.url, '--strict')
    assert.deepEqual([code, err], [0, ''])
    assert.match(out, /without known weaknesses/)
  }
})

test('a registry that tells nothing is said to have told nothing; that is enough where it must not be', async (context) => {
  const t = lastFirst(context)
  for (const [status, why] of [
    [405, /NOT audited.*\(405\)/],
    [404, /NOT audited.*\(404\)/],
    [500, /NOT audited/],
  ] as const) {
    const registry = await startRegistry(t, { status })
    const lenient = await auditAt(t, registry.url)
    assert.deepEqual([lenient.code, lenient.err], [0, ''])
    assert.match(lenient.out, why)
    const strict = await auditAt(t, registry.url, '--strict')
    assert.equal(strict.code, 1)
    assert.match(strict.err, why)
  }
  // Nobody listens there.
  const gone = await auditAt(t, 'http://127.0.0.1:1/')
  assert.equal(gone.code, 0)
  assert.match(gone.out, /NOT audited/)
})

import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pinnedPackages } from '../../scripts/setup-venv.mjs'
import { buildGo, DJANGO_DIR, GO_DIR, installDjango, requiredModules } from './tools.ts'

/** A PATH with nothing on it but these commands, each a shell script. */
async function withCommands(t: TestContext, commands: Record<string, string>) {
  const dir = await mkdtemp(join(tmpdir(), 'users-service-tools-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  const bin = join(dir, 'bin')
  await mkdir(bin)
  for (const [name, script] of Object.entries(commands)) {
    await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`)
    await chmod(join(bin, name), 0o755)
  }
  return { toolsDir: join(dir, 'tools'), env: { PATH: bin } }
}

test('without Go, without Python: said in a word', async (t) => {
  const where = await withCommands(t, {})
  assert.deepEqual(buildGo(where), { missing: 'go is not on the PATH' })
  assert.deepEqual(installDjango(where), { missing: 'python3 is not on the PATH' })
})

test('a Go that can’t build them: the last line of what it says', async (t) => {
  const where = await withCommands(t, {
    go: 'echo "go: downloading" >&2; echo "go.mod requires go >= 1.26" >&2; exit 1',
  })
  assert.deepEqual(buildGo(where), { missing: 'go build: go.mod requires go >= 1.26' })
})

test('a Python without venv: the last line of what it says, and the next run tries again', async (t) => {
  const where = await withCommands(t, {
    python3: 'case "$1" in --version) echo Python 3.11.0;; *) echo "No module named venv" >&2; exit 1;; esac',
  })
  for (let run = 1; run <= 2; run += 1) {
    assert.deepEqual(installDjango(where), { missing: 'python3 -m venv: No module named venv' })
  }
})

test('a virtual environment is made once, and anew for another Python', async (t) => {
  const makeVenv =
    '/bin/mkdir -p "$3/bin"; echo made >> "$LOG"; echo "#!/bin/sh" > "$3/bin/python"; /bin/chmod 755 "$3/bin/python"'
  const python3 = (version: string) => `case "$1" in --version) echo Python ${version};; *) ${makeVenv};; esac`
  const where = await withCommands(t, { python3: python3('3.11.0') })
  const log = join(where.toolsDir, '..', 'log')
  const install = () => installDjango({ ...where, env: { ...where.env, LOG: log } })
  const made = async () => (await readFile(log, 'utf8')).trim().split('\n').length

  const first = install()
  assert.ok('software' in first && first.software.startsWith('Python 3.11.0, '), JSON.stringify(first))
  assert.deepEqual([install(), await made()], [first, 1])
  await writeFile(join(where.env.PATH, 'python3'), `#!/bin/sh\n${python3('3.12.0')}\n`)
  assert.ok('software' in install())
  assert.equal(await made(), 2)
})

test('every package has an exact version and hashes, and every module a version', async () => {
  const requirements = await readFile(join(DJANGO_DIR, 'requirements.txt'), 'utf8')
  const entries = requirements.split('\n').filter((line) => /^[a-z]/i.test(line))
  assert.ok(entries.length > 5 && entries.every((line) => /^[a-z0-9-]+==[0-9.]+ \\$/.test(line)), entries.join('\n'))
  assert.equal(pinnedPackages(requirements).length, entries.length)
  assert.equal(
    requirements.match(/ \\\n {4}--hash=sha256:[0-9a-f]{64}/g)?.length,
    requirements.match(/--hash/g)?.length,
  )
  const modules = requiredModules(await readFile(join(GO_DIR, 'go.mod'), 'utf8'))
  assert.deepEqual(
    modules.map((one) => one.split(' ')[0]),
    ['labstack/echo/v4', 'redis/go-redis/v9', 'redis/rueidis'],
  )
})

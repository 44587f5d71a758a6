import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { lockFolder } from './single.ts'

async function folder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'users-service-lock-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  return dir
}

const LOCKER = `
  import { lockFolder } from ${JSON.stringify(new URL('single.ts', import.meta.url).href)}
  await lockFolder(process.argv[1]).then(() => process.send('locked'), (error) => process.send(error.message))
  process.on('message', () => process.exit())
`

/** Another process that tries to lock; `said` is what came of it. It lives on until told. */
function locker(t: TestContext, dir: string) {
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', LOCKER, dir], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  t.after(() => child.kill('SIGKILL'))
  const said = once(child, 'message').then(([text]) => String(text))
  return { child, said }
}

test('a locked folder is refused with the holder’s number, and free again after unlocking', async (t) => {
  const dir = await folder(t)
  const unlock = await lockFolder(dir)
  assert.equal(
    await locker(t, dir).said,
    `users-service already works on ${dir} as process ${process.pid}; end it first, or set DATA_DIR.`,
  )
  await unlock()
  assert.deepEqual(await readdir(dir), [])
  assert.equal(await locker(t, dir).said, 'locked')
})

test('a folder that is made for it is nobody else’s to look into', async (t) => {
  const dir = join(await folder(t), 'var')
  await (await lockFolder(dir))()
  assert.equal((await stat(dir)).mode & 0o777, 0o700)
})

test('the lock of a process that is gone, or of another that has its number now, counts for nothing', async (t) => {
  const dir = await folder(t)
  const { child, said } = locker(t, dir)
  assert.equal(await said, 'locked')
  child.kill('SIGKILL')
  await once(child, 'exit')
  await (await lockFolder(dir))()
  for (const text of [`${process.pid} 1\n`, `${process.pid}`, '', 'no number']) {
    await writeFile(join(dir, 'all.pid'), text)
    const unlock = await lockFolder(dir)
    assert.match(await readFile(join(dir, 'all.pid'), 'utf8'), new RegExp(`^${process.pid} \\d{2,}\\n$`))
    await unlock()
  }
  assert.deepEqual(await readdir(dir), [])
})

test('of many that find a dead one’s lock at once, exactly one gets it', async (t) => {
  for (let round = 1; round <= 3; round += 1) {
    const dir = await folder(t)
    await writeFile(join(dir, 'all.pid'), `${process.pid} 1\n`)
    const all = Array.from({ length: 6 }, () => locker(t, dir))
    const said = await Promise.all(all.map((one) => one.said))
    assert.equal(said.filter((text) => text === 'locked').length, 1, said.join('\n'))
    for (const { child } of all) child.kill('SIGKILL')
    assert.deepEqual(await readdir(dir), ['all.pid'])
  }
})

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'

const CHILD = `
  import { stopWhenTold } from ${JSON.stringify(new URL('stopping.ts', import.meta.url).href)}
  const say = (line) => process.stdout.write(line + '\\n')
  const log = { info: (_, message) => say(message), error: ({ err }, message) => say(message + ': ' + err.message) }
  const close = process.argv[1] === 'hangs' ? () => new Promise(() => {}) : async () => say('closed')
  const stopping = stopWhenTold({ log, graceMs: 300 }, close)
  setInterval(() => undefined, 1000)
  if (process.argv[2] === 'fails') stopping.fail(new Error('broken'), 'it failed')
  else say('running')
`
async function run(closing: 'closes' | 'hangs', how: 'fails' | NodeJS.Signals) {
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', CHILD, closing, how], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
    if (how !== 'fails' && said === 'running\n') child.kill(how)
  })
  const [code] = await once(child, 'close')
  return { code, said: said.trim().split('\n') }
}

test('a signal closes and ends with 0', async () => {
  assert.deepEqual(await run('closes', 'SIGTERM'), { code: 0, said: ['running', 'stopping', 'closed'] })
})

test('a failure closes and ends with 1', async () => {
  assert.deepEqual(await run('closes', 'fails'), { code: 1, said: ['it failed: broken', 'closed'] })
})

test('what does not close is ended with 1 when its time is up', async () => {
  assert.deepEqual(await run('hangs', 'fails'), { code: 1, said: ['it failed: broken'] })
  assert.deepEqual(await run('hangs', 'SIGINT'), { code: 1, said: ['running', 'stopping'] })
})

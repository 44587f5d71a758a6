import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { test } from 'node:test'
import { type Rig, startLegacy, startProxy, type Talk, until } from './rig.ts'

const PART = Buffer.alloc(65_536)
const BYTES = Number(process.env.PASSED_BYTES ?? 268_435_456)
/** Buffers of two connections and what the collector has not taken yet: a fraction of the whole. */
const MAX_GROWTH_BYTES = 134_217_728

/** It stands when nothing has moved for so long: looks are some milliseconds apart. */
const STANDING_LOOKS = 40

/** As fast as the other side takes it. */
function pour(to: ServerResponse | Talk['socket'], bytes: number): void {
  let left = bytes
  const more = () => {
    while (left > 0) {
      left -= PART.length
      if (!to.write(PART)) return
    }
    if (to.off('drain', more) && 'setHeader' in to) to.end()
  }
  to.on('drain', more)
  more()
}

function highest() {
  const startBytes = process.memoryUsage.rss()
  let most = startBytes
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss())
  }, 10)
  return () => {
    clearInterval(timer)
    return most - startBytes
  }
}

const legacy = (request: IncomingMessage, response: ServerResponse) => {
  if (request.method === 'GET') {
    response.setHeader('Content-Length', BYTES)
    return pour(response, BYTES)
  }
  let bytes = 0
  request.on('data', (part) => {
    bytes += part.length
  })
  request.on('end', () => response.end(`${bytes} bytes`))
}

async function download(proxy: Rig): Promise<void> {
  const { socket } = await proxy.talk()
  let bytes = 0
  socket.removeAllListeners('data').on('data', (part) => {
    bytes += part.length
  })
  socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  await until('all of it', () => bytes > BYTES, 60_000)
}

async function upload(proxy: Rig): Promise<void> {
  const talk = await proxy.talk()
  talk.socket.write(`POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${BYTES}\r\n\r\n`)
  pour(talk.socket, BYTES)
  await until('the answer', () => talk.text().endsWith(`${BYTES} bytes`), 60_000)
}

for (const [what, pass] of [
  ['download', download],
  ['upload', upload],
] as const) {
  test(`a large ${what} passes in little memory`, async (t) => {
    const proxy = await startProxy(t, (await startLegacy(t, legacy)).url)
    const growth = highest()
    await pass(proxy)
    const bytes = growth()
    t.diagnostic(`${BYTES} bytes: ${Math.round(bytes / 1_048_576)} MiB more than before`)
    assert.ok(bytes < MAX_GROWTH_BYTES, `${bytes} bytes`)
  })
}

test('of an answer that its client does not read no more than a little is read', async (t) => {
  let written = 0
  const server = await startLegacy(t, (_request, response) => {
    const more = () => {
      do written += PART.length
      while (written < BYTES && response.write(PART))
    }
    response.on('drain', more)
    more()
  })
  const proxy = await startProxy(t, server.url)
  const talk = await proxy.talk()
  talk.socket.pause().write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  let [before, looks] = [0, 0]
  const stands = () => {
    looks = written === before ? looks + 1 : 0
    before = written
    return written > 0 && looks === STANDING_LOOKS
  }
  await until('it to stand', stands)
  assert.ok(written < MAX_GROWTH_BYTES, `${written} bytes`)
})

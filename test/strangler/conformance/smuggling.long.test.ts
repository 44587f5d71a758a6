import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { byteReader } from './byte-reader.ts'
import { answerFor } from './case.ts'
import { type Received, startLegacyFixture } from './legacy-fixture.ts'
import { framingOf, headFrom, readBody } from './message.ts'
import { ours, type ProxyUnderTest, type StartProxy } from './proxies.ts'
import { SHAPES, type Shape } from './smuggling-shapes.ts'
import { wholeService } from './whole-service.ts'

type Fixture = Awaited<ReturnType<typeof startLegacyFixture>>
type Stage = { fixture: Fixture; port: number }

/** Whoever has not ended a connection by then leaves it open. */
const CLOSE_LIMIT_MS = 3_000
const MAX_ANSWERED_BYTES = 1_048_576

/** Sends the bytes, and tells all statuses that came until the proxy has ended the connection, or `answers` of them. */
async function send(port: number, bytes: string, { isEnded = false, answers = Number.POSITIVE_INFINITY } = {}) {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', () => undefined)
  const reader = byteReader(socket, MAX_ANSWERED_BYTES)
  let isOpen = false
  const timer = setTimeout(() => {
    isOpen = true
    socket.destroy()
  }, CLOSE_LIMIT_MS)
  const statuses: number[] = []
  try {
    socket.write(bytes, 'latin1')
    if (isEnded) socket.end()
    while (statuses.length < answers) {
      const head = await reader.head()
      if (head === null) break
      const { startLine, headers } = headFrom(head)
      const status = Number(startLine.split(' ')[1])
      if (status < 200) continue
      await readBody(reader, headers, framingOf(headers, 'answer', bytes.startsWith('HEAD')))
      statuses.push(status)
    }
    return { statuses, isOpen }
  } finally {
    clearTimeout(timer)
    socket.destroy()
  }
}

const SOUND = 'GET /sound HTTP/1.1\r\nHost: a\r\nX-Case: sound\r\n\r\n'

/** What the fixture got of the shape. A sound request comes behind it: nothing may be left on the connections to it. */
async function seenAfter({ fixture, port }: Stage): Promise<Received[]> {
  const { statuses } = await send(port, SOUND, { answers: 1 })
  assert.deepEqual(statuses, [200], 'a sound request behind it is answered')
  const received = [...fixture.taken().values()].flat()
  const sound = received.filter(({ caseId }) => caseId === 'sound')
  assert.deepEqual(
    sound.map(({ target, body }) => `${target} ${body.bytes}`),
    ['/sound 0'],
  )
  return received.filter((one) => !sound.includes(one))
}

const told = ({ method, target, body }: Received) => `${method} ${target} ${body.start}`

async function check(stage: Stage, shape: Shape): Promise<string> {
  if ('refused' in shape) {
    const { statuses, isOpen } = await send(stage.port, shape.bytes, shape)
    const whole = (await seenAfter(stage)).filter(({ body }) => body.isWhole)
    assert.deepEqual(whole.map(told), [], 'the legacy application sees nothing that is whole')
    assert.ok(!isOpen, `the connection is closed after ${statuses}`)
    const [status, ...more] = statuses
    assert.deepEqual(more, [], 'one answer at most')
    assert.ok(status === undefined ? shape.mayEnd : shape.refused.includes(status), `${status}`)
    return `${status ?? 'ended'}, saw nothing`
  }
  const { statuses } = await send(stage.port, shape.bytes, { answers: shape.seen.length })
  const seen = await seenAfter(stage)
  assert.deepEqual(seen.map(told), shape.seen)
  assert.deepEqual(new Set(statuses), new Set([200]))
  const heads = seen.map(({ headers }) => headers.map((header) => header.join(': ')).join('\n')).join('\n')
  if (shape.without !== undefined) assert.doesNotMatch(heads, shape.without)
  return `${statuses.join(', ')}, saw ${shape.seen.join(' and ')}`
}

const PROXIES: [name: string, start: StartProxy][] = [
  ['our proxy', ours],
  ['the whole service', wholeService],
]

for (const [name, start] of PROXIES) {
  describe(`a request that could be read in two ways is refused by ${name}, or read in one`, () => {
    let fixture: Fixture
    let proxy: ProxyUnderTest
    before(async () => {
      fixture = await startLegacyFixture(() => answerFor({}))
      proxy = await start(fixture.url)
    })
    after(async () => {
      await proxy?.close()
      await fixture?.close()
    })

    for (const shape of SHAPES) {
      test(shape.name, async (t) => {
        t.diagnostic(await check({ fixture, port: proxy.port }, shape))
      })
    }
  })
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Answer, answerReader, header, textOf } from './answer.ts'

const BODY = '{"familyName":"Wójcik"}'
const OK = `HTTP/1.1 200 OK\r\nETag: "Ab.1"\r\nread-from: redis\r\nContent-Length: ${Buffer.byteLength(BODY)}\r\n\r\n${BODY}`

function read(...chunks: (string | Buffer)[]): Answer[] {
  const answers: Answer[] = []
  const take = answerReader((answer) => answers.push(answer))
  for (const chunk of chunks) take(Buffer.from(chunk))
  return answers
}

test('an answer is whole in whatever pieces it comes', () => {
  const bytes = Buffer.from(OK)
  for (let cut = 1; cut < bytes.length; cut += 1) {
    const [answer, ...more] = read(bytes.subarray(0, cut), bytes.subarray(cut))
    assert.ok(answer && more.length === 0, `cut at ${cut}`)
    assert.equal(answer.status, 200)
    assert.equal(textOf(answer), BODY)
  }
  assert.equal(read(...[...bytes].map((byte) => Buffer.from([byte]))).length, 1)
})

test('one answer follows another', () => {
  assert.deepEqual(
    read(OK, OK.replace('200 OK', '404 Not Found'), OK).map(({ status }) => status),
    [200, 404, 200],
  )
})

test('half an answer is none', () => {
  assert.deepEqual(read(OK.slice(0, -1)), [])
})

test('headers are found by name without regard to case, and only whole names at a line’s beginning', () => {
  const [answer] = read(OK)
  assert.ok(answer)
  assert.equal(header(answer, 'etag'), '"Ab.1"')
  assert.equal(header(answer, 'read-from'), 'redis')
  assert.equal(header(answer, 'content-length'), String(Buffer.byteLength(BODY)), 'the last one')
  assert.equal(header(answer, 'from'), null)
  assert.equal(header(answer, 'visibility'), null)
})

test('a 304 has no body, whatever its content-length says', () => {
  const [answer] = read('HTTP/1.1 304 Not Modified\r\nContent-Length: 23\r\netag: "a"\r\n\r\n')
  assert.equal(answer?.status, 304)
  assert.equal(answer?.body, '')
})

test('what would be misread is refused', () => {
  assert.throws(() => read(`${OK}x`), /after the end/)
  assert.throws(() => read('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc'), /content-length/)
  assert.throws(() => read(`HTTP/1.1 200 OK\r\ncontent-length: 2000000\r\n\r\n${'x'.repeat(1_100_000)}`), /longer/)
})

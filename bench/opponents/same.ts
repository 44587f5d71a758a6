import { deepStrictEqual } from 'node:assert'
import { ok } from '../cases.ts'
import { header, textOf } from '../load/answer.ts'
import { connectAsker, get } from '../load/connection.ts'
import type { Question } from '../load/load.ts'
import { type Asked, type Learned, learn } from '../people.ts'

/** Headers whose values must be ours, and headers that must be there whatever they say. */
const EQUAL = ['content-type', 'etag', 'cache-control']
const PRESENT = ['x-request-id', 'read-from', 'content-length', 'date']
/** Nobody has this id: the largest that a JSON number carries exactly. */
const ABSENT = '/v1/users/9007199254740991'

/**
 * Asks whoever listens there what the service was asked, and answers the questions of a load with the very bytes that
 * came: they were then seen to be the same JSON, under the same headers. Rejects at the first difference.
 */
export async function learnSame(asked: Asked, ours: Learned[], from: Question['from']): Promise<Question[]> {
  const theirs = await learn(
    asked,
    ours.map(({ path }) => path),
    (body, i) => deepStrictEqual(body, ours[i] && JSON.parse(textOf(ours[i]))),
  )
  theirs.forEach(({ path, head }, i) => {
    compareHeads(path, head, ours[i]?.head ?? '')
  })
  const [first] = ours
  if (!first) throw new Error('nothing was asked')
  await checkOthers(asked, first)
  return theirs.map(({ path, body }) => ok(get(path, asked.headers), body, from))
}

function compareHeads(path: string, theirs: string, ours: string): void {
  const [their, our] = [headersOf(theirs), headersOf(ours)]
  for (const name of EQUAL) deepStrictEqual(their.get(name), our.get(name), `${path}: ${name} is ${their.get(name)}`)
  for (const name of PRESENT) if (!their.has(name)) throw new Error(`${path}: there is no ${name}`)
}

export function headersOf(head: string): Map<string, string> {
  const lines = head.split('\r\n').slice(1)
  return new Map(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
}

/** Who does less than is asked would be faster for it: what the caller has is 304, and who isn't there a problem. */
async function checkOthers({ port, headers = {} }: Asked, { path, etag }: Learned): Promise<void> {
  const asker = await connectAsker(port)
  try {
    const known = await asker.ask(get(path, { ...headers, 'if-none-match': `"x", ${etag}` }))
    if (known.status !== 304) throw new Error(`${path} with If-None-Match: ${known.status}`)
    const absent = await asker.ask(get(ABSENT, { ...headers, 'x-request-id': 'absent-1' }))
    const { code, requestId } = JSON.parse(textOf(absent)) as { code?: string; requestId?: string }
    const mediaType = header(absent, 'content-type')?.split(';')[0]
    deepStrictEqual(
      [absent.status, mediaType, header(absent, 'x-request-id'), code, requestId],
      [404, 'application/problem+json', 'absent-1', 'user-not-found', 'absent-1'],
    )
  } finally {
    asker.close()
  }
}

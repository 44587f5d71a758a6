import assert from 'node:assert/strict'
import { dice, mulberry32 } from '../../src/jobs/seed/random.ts'
import { seedUsers } from '../../src/jobs/seed/users.ts'
import { type TestService, until } from '../support/service.ts'

const READERS = 8
const WRITERS = 3

export type Storm = {
  /** Resolves when this many more answers have come. */
  answers(count: number): Promise<void>
  /** Answers so far by where they were read. */
  readFrom: Record<string, number>
  /** Own commands acknowledged so far. */
  written(): number
}

/** Registers `count` people who are alike but for their numbers; answers their ids. */
export async function people(service: TestService, count: number): Promise<number[]> {
  const userIds: number[] = []
  for (const { username, givenName, familyName } of seedUsers({ count, seed: 3 })) {
    const answer = await service.app.inject({
      method: 'POST',
      url: '/v1/users',
      payload: { username, givenName, familyName, jobTitle: '0' },
    })
    assert.equal(answer.statusCode, 201, answer.body)
    userIds.push(answer.json().userId)
  }
  return userIds
}

/**
 * Reads and writes at once while `during` runs, and checks every answer: it is 200, of the user who was asked for, and not
 * older than what had been acknowledged or shown when it was asked. That holds too for a command that Redis could not be
 * told of (`Visibility: pending`), since this process knows of it. Commands count up each user's job title; a foreign
 * program counts up their phone numbers.
 */
export async function storm(
  service: TestService,
  userIds: number[],
  seed: number,
  during: (storm: Storm) => Promise<void>,
): Promise<void> {
  const acknowledged = new Map(userIds.map((userId) => [userId, 0]))
  const shown = new Map<number, number>()
  const readFrom: Record<string, number> = {}
  let over = false
  let answered = 0
  let written = 0

  const read = async (roll: () => number) => {
    const userId = userIds[roll()] ?? 0
    const atLeast = acknowledged.get(userId) ?? 0
    const shownBefore = shown.get(userId) ?? 0
    const answer = await service.app.inject(`/v1/users/${userId}`)
    assert.equal(answer.statusCode, 200, answer.body)
    const from = String(answer.headers['read-from'])
    const body = answer.json()
    assert.equal(body.userId, userId, 'another person')
    assert.ok(Number(body.jobTitle) >= atLeast, `user ${userId}: ${body.jobTitle} from ${from}, after ${atLeast}`)
    assert.ok(body.version >= shownBefore, `user ${userId}: version ${body.version} from ${from}, after ${shownBefore}`)
    shown.set(userId, Math.max(body.version, shown.get(userId) ?? 0))
    readFrom[from] = (readFrom[from] ?? 0) + 1
    answered += 1
  }
  /** Each writer has users of its own, so that it knows what comes next. */
  const write = async (userId: number) => {
    const next = (acknowledged.get(userId) ?? 0) + 1
    const answer = await service.app.inject({
      method: 'PATCH',
      url: `/v1/users/${userId}`,
      payload: { jobTitle: String(next) },
    })
    assert.equal(answer.statusCode, 200, answer.body)
    acknowledged.set(userId, next)
    written += 1
  }
  const writeAsForeigner = (userId: number, count: number) =>
    service.sql('UPDATE users SET phone = ? WHERE user_id = ?', `+1 ${count}`, userId)

  const reading = Array.from({ length: READERS }, async (_, reader) => {
    const roll = dice(mulberry32(seed + reader))
    while (!over) {
      await read(() => roll.below(userIds.length))
      await aTurn()
    }
  })
  const writing = Array.from({ length: WRITERS }, async (_, writer) => {
    const own = userIds.filter((_, i) => i % WRITERS === writer)
    for (let i = 0; !over; i += 1) {
      const userId = own[i % own.length] ?? 0
      if (writer === 0) await writeAsForeigner(userId, i)
      await write(userId)
    }
  })
  // A failure ends the storm at once, and is what the test reports.
  const all = Promise.all([...reading, ...writing])
  try {
    await Promise.race([
      during({
        answers: (count) => {
          const goal = answered + count
          return until(`${count} more answers`, async () => answered >= goal).then(() => undefined)
        },
        readFrom,
        written: () => written,
      }),
      all,
    ])
  } finally {
    over = true
  }
  await all
  await settled(service, userIds)
}

/** No socket stands between test and application: without this, reads from the embedded database would never yield. */
const aTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Who came from Redis a moment ago is near now. */
export const isCopy = (from: unknown): boolean => from === 'redis' || from === 'near'

/** Waits until every user is read from Redis, as the database has them. */
export async function settled(service: TestService, userIds: number[]): Promise<void> {
  for (const userId of userIds) {
    const [row] = await service.query('SELECT job_title, phone FROM users WHERE user_id = ?', userId)
    await until(`user ${userId} from Redis as they are`, async () => {
      const answer = await service.app.inject(`/v1/users/${userId}`)
      const body = answer.json()
      const same = body.jobTitle === row?.job_title && body.phone === row?.phone
      return same && isCopy(answer.headers['read-from'])
    })
  }
}

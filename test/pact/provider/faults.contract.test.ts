// Builds of this service that break what consumers rely on, each by one fault: verification fails, and says where.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { askedWhetherItLives, madeUpContract, toldWhoLeft } from '../made-up.ts'
import { breaks, type Planted } from './breaks.ts'

const PLANTED: Planted[] = [
  {
    what: 'a field of a user has another name',
    fault: {
      file: 'src/wire/user.ts',
      from: 'return { userId: id, ...shown, version }',
      to: 'const { givenName: firstName, ...rest } = shown\n  return { userId: id, firstName, ...rest, version } as never',
    },
    consumer: 'point-of-sale-terminal',
    broken: ['a question for a user by number', 'a question for a user by name', 'givenName'],
    whole: 'a question for a user whom there is not',
  },
  {
    what: 'a refusal has another status',
    fault: { file: 'src/plugins/errors.ts', from: "'version-conflict': 412", to: "'version-conflict': 409" },
    consumer: 'admin-console',
    broken: ['a change of details that somebody else has changed', '409'],
    whole: 'a registration by a username that somebody has',
  },
  {
    what: 'an event’s field has another name',
    fault: { file: 'src/adapters/log-feed/cloud-events.ts', from: 'partitionkey: key', to: 'partitionKey: key' },
    consumer: 'hr-feed',
    broken: ['users-service.user-terminated.v1', 'users-service.role-granted.v1', 'partitionkey'],
    whole: 'a message how far changes are complete: mark',
  },
  {
    what: 'a user has the number of another',
    fault: {
      file: 'src/wire/user.ts',
      from: 'return { userId: id, ...shown, version }',
      to: 'return { userId: id + 1, ...shown, version }',
    },
    consumer: 'point-of-sale-terminal',
    broken: [
      ...['a question for a user by number', 'a question for a user by name'],
      ...['GET /v1/users/by-username/ann.lee: the answer is about '],
    ],
    whole: 'a question for what a cashier may',
  },
  {
    what: 'an event has the key of another',
    fault: { file: 'src/adapters/log-feed/cloud-events.ts', from: 'return { key,', to: "return { key: '7777'," },
    consumer: 'hr-feed',
    broken: ['users-service.user-terminated.v1: the message is about 7777'],
    whole: 'a message that a user has changed: change',
  },
]
for (const planted of PLANTED) breaks(planted)

const NOBODY = { name: 'nobody has the number' }
const FULL_MOON = { name: 'it is full moon' }
const BADLY_NAMED = { name: 'somebody has an employee number', params: { employeeNumber: 42 } }

test('a provider state that is not there breaks what it is for, and nothing after it', async (t) => {
  const folder = madeUpContract(t, 'a-dreamer', [
    askedWhetherItLives('asks at full moon', FULL_MOON, NOBODY),
    askedWhetherItLives('asks at any time'),
    askedWhetherItLives('asks of who cannot be registered', NOBODY, BADLY_NAMED),
    askedWhetherItLives('asks of nobody', NOBODY),
    toldWhoLeft('hears of who left at full moon', FULL_MOON),
    toldWhoLeft('hears of who left', NOBODY),
  ])
  const { startProvider, verify } = await import('./verifying.ts')
  const { service, url } = await startProvider()
  t.after(service.close)
  const verified = verify(service, { providerBaseUrl: url, pactUrls: [join(folder, 'a-dreamer.json')] })
  await assert.rejects(verified, ({ message }: Error) => {
    const said = message.split('\n')
    const expected = [
      /^provider state “it is full moon”: there is no such state$/,
      /^provider state “somebody has an employee number”: POST .*: 400 /,
      /^provider state “it is full moon”: there is no such state$/,
      / - asks at full moon: /,
      / - asks of who cannot be registered: /,
      / - hears of who left at full moon: /,
    ]
    for (const [index, line] of expected.entries()) assert.match(said[index] ?? '', line)
    assert.equal(said.length, expected.length, message)
    return true
  })
})

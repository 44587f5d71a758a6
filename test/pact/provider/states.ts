import assert from 'node:assert/strict'
import type { Scope } from '../../../src/domain/principal.ts'
import type { TestService } from '../../support/service.ts'
import { bearer, developmentToken } from '../../support/tokens.ts'
import type { Parameters, State } from './followed.ts'

const PERMISSIONS = [
  { permission: 'receipt.void', effect: 'allow' },
  { permission: 'refund.create', effect: 'approve' },
]
const HIGHEST_ID = Number.MAX_SAFE_INTEGER
const EXPIRED_S = -60

/**
 * What consumers presuppose, brought about by commands of the API, as anybody could. Each makes somebody of its own, and
 * answers who that is: interactions are verified in any order, and as often as one likes.
 */
export function providerStates(service: TestService): Record<string, State> {
  const freeUsername = () => `pact.${crypto.randomUUID()}`
  const ask = async (method: 'GET' | 'PUT' | 'POST' | 'PATCH', url: string, payload?: object) => {
    const answer = await service.app.inject({ method, url, ...(payload === undefined ? {} : { payload }) })
    assert.ok(answer.statusCode < 300, `${method} ${url}: ${answer.statusCode} ${answer.body}`)
    return answer
  }
  const registered = async ({ username = freeUsername(), ...details }: Parameters = {}) => {
    await freed(String(username))
    const body = { username, givenName: 'Ann', familyName: 'Lee', jobTitle: 'Cashier', ...details }
    const { userId }: { userId: number } = (await ask('POST', '/v1/users', body)).json()
    return { userId, username: String(username) }
  }
  /** Whoever had a name, of an earlier interaction, has another one from now on. */
  const freed = async (username: string) => {
    const { statusCode, body } = await service.app.inject(`/v1/users/by-username/${username}`)
    if (statusCode === 200) await ask('PATCH', `/v1/users/${JSON.parse(body).userId}`, { username: freeUsername() })
  }
  const etagOf = async (userId: number, authorization: string): Promise<string> => {
    const answer = await service.app.inject({ url: `/v1/users/${userId}`, headers: { authorization } })
    return String(answer.headers.etag)
  }
  /** Of whom the last token was signed for: the tag is one for the caller. */
  let shown = bearer(service.token)
  const known = async (who: { userId: number; username: string }) => ({ ...who, etag: await etagOf(who.userId, shown) })

  const cashier = async ({ branchId = 'B001', username }: Parameters) => {
    await ask('PUT', '/v1/roles/cashier', { title: 'Cashier', privileged: false, permissions: PERMISSIONS })
    const more = { homeBranchId: branchId, email: 'ann.lee@example.com', phone: '+1 212 555 0100' }
    const who = await registered({ username, ...more })
    await ask('PUT', `/v1/users/${who.userId}/roles/cashier?branchId=${branchId}`)
    await ask('PUT', `/v1/users/${who.userId}/limits/discount-percent`, { value: 15 })
    await ask('PUT', `/v1/users/${who.userId}/preferences/receipt-greeting`, { value: 'Hello!' })
    return who
  }
  const after = async (who: Promise<{ userId: number; username: string }>, command: string, payload?: object) => {
    const { userId } = await who
    await ask(payload ? 'PUT' : 'POST', `/v1/users/${userId}/${command}`, payload)
    return who
  }

  return {
    'a token is shown': async ({ scopes }) => {
      const token = await developmentToken(service.config, { scopes: scopes as Scope[], subject: 'a-consumer' })
      shown = bearer(token)
      return { token }
    },
    'a token is shown that has expired': async () => ({
      token: await developmentToken(service.config, { scopes: ['users:read'], expiresInS: EXPIRED_S }),
    }),
    'nobody has the number': async () => ({ userId: HIGHEST_ID }),
    'nobody has the username': async () => ({ freeUsername: freeUsername() }),
    'a cashier works at the branch': async (parameters) => known(await cashier(parameters)),
    'a cashier is suspended': (parameters) => after(cashier(parameters), 'suspend'),
    'a user was changed after they were looked at': async () => {
      const who = await known(await registered())
      await ask('PATCH', `/v1/users/${who.userId}`, { jobTitle: 'Baker' })
      return who
    },
    'somebody’s title was changed': async () => {
      const who = await registered()
      await ask('PATCH', `/v1/users/${who.userId}`, { jobTitle: 'Baker' })
      return who
    },
    'somebody has an employee number': ({ employeeNumber }) => registered({ employeeNumber }),
    'a user has left': () => after(registered(), 'terminate'),
    'somebody was registered': ({ branchId }) => registered({ homeBranchId: branchId }),
    'somebody was terminated': () => after(registered(), 'terminate'),
    'somebody was given another home branch': ({ branchId }) =>
      after(registered({ homeBranchId: 'B999' }), `branches/${branchId}`, { home: true }),
    'somebody was granted a role': (parameters) => cashier(parameters),
    // Of the legacy application, whose clients see the same people.
    'there is a user at the branch': (parameters) => cashier(parameters),
  }
}

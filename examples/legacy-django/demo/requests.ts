import { dice, mulberry32 } from '../../../src/jobs/seed/random.ts'
import { seedUsers } from '../../../src/jobs/seed/users.ts'
import type { Asked, Kind } from './traffic.ts'

/** The made-up people of `users-service seed`. */
const PEOPLE_SEED = 1
const TERMINALS_A_BRANCH = 2
const PHONES = 100

type Options = { users: number; seed: number; shown: Record<string, string> }

/** What the clients of the old application ask it: its own paths, and its own shapes. `shown`: of who they are. */
export function oldClients({ users, seed, shown }: Options): Kind[] {
  const roll = dice(mulberry32(seed))
  const people = [...seedUsers({ count: users, seed: PEOPLE_SEED })]
  const staff = people.filter(({ status }) => status !== 'terminated')
  const headers = () => ({
    ...shown,
    'x-terminal-id': `${roll.pick(people).homeBranchId}-T${1 + roll.below(TERMINALS_A_BRANCH)}`,
  })
  const read = (path: string, isRight: Asked['isRight']): Asked => ({
    method: 'GET',
    path,
    headers: headers(),
    isRight,
  })
  return [
    kind('get-user', 100, () => {
      const { id } = roll.pick(people)
      return read(`/users/${id}/`, (body) => JSON.parse(body).id === id)
    }),
    kind('get-branch-users', 50, () => {
      const branch = roll.pick(roll.pick(people).branches)
      return read(`/branches/${branch}/users/`, (body) => Array.isArray(JSON.parse(body)))
    }),
    kind('get-user-by-username', 15, () => {
      const { username } = roll.pick(people)
      return read(`/users/by-username/${username}/`, (body) => JSON.parse(body).username === username)
    }),
    kind('get-permissions', 40, () => {
      const { id, homeBranchId } = roll.pick(people)
      return read(`/users/${id}/permissions/?branch=${homeBranchId}`, (body) => JSON.parse(body).user === id)
    }),
    kind('change-user', 2, () => {
      const { id } = roll.pick(staff)
      const phone = `+1 212 555 01${String(roll.below(PHONES)).padStart(2, '0')}`
      return {
        ...{ method: 'PATCH', path: `/users/${id}/`, body: JSON.stringify({ phone }) },
        headers: { ...headers(), 'content-type': 'application/json' },
        isRight: (body) => JSON.parse(body).phone === phone,
      }
    }),
    kind('head-count', 0.2, () => read('/reports/head-count/', (body) => body.startsWith('branch,active\r\n'))),
  ]
}

const kind = (route: string, perSecond: number, make: () => Asked): Kind => ({ route, perSecond, make })

import { rm } from 'node:fs/promises'
import { type Person, scattered } from '../people.ts'
import { type Data, type Stage, seedData } from '../stage.ts'
import { type Contested, contest } from './contest.ts'
import type { ContestantName } from './contestants.ts'

/** The cases of ours, and what they are compared with. */
const CASES: ContestantName[] = ['bare', 'ours-redis', 'ours-near']
const MOST_ASKED = 2_000

export type Sized = { users: number; asked: number; measurements: Contested }
type Options = { stage: Stage; sizes: number[]; rounds: number; seconds: number }

/** The same load on databases of different sizes: what a request costs must not depend on how many users there are. */
export async function measureSizes({ stage, sizes, rounds, seconds }: Options): Promise<Sized[]> {
  const none = { missing: 'not asked for' }
  const sized: Sized[] = []
  for (const users of sizes) {
    const data = await seedData(stage, users)
    const people = spreadPeople(data)
    const tools = { go: none, django: none }
    const { measurements } = await contest({ stage, data, people, names: CASES, tools, rounds, seconds })
    sized.push({ users, asked: people.length, measurements })
    await rm(data.dir, { recursive: true, force: true })
  }
  return sized
}

/** At most so many, evenly among all: neighbours in the database would be neighbours in memory. */
export function spreadPeople({ users, query }: Pick<Data, 'users' | 'query'>): Person[] {
  const step = Math.ceil(users / MOST_ASKED)
  const rows = query<{ user_id: number; username: string; home_branch_id: string | null }>(
    'SELECT user_id, username, home_branch_id FROM users WHERE user_id % ? = 0 ORDER BY user_id',
    step,
  )
  return scattered(rows).map(({ user_id, username, home_branch_id }) => {
    return { userId: user_id, username, branchId: home_branch_id ?? '' }
  })
}

import { searchName } from '../../src/domain/names.ts'
import type { Keys } from '../../src/projections/keys.ts'
import { shownNear } from '../../src/projections/near/near-user.ts'
import { CATALOGUE } from '../../src/projections/near/near-views.ts'
import { encodeTerms, nameMember, projectGone, projectUser } from '../../src/projections/user/project.ts'
import { BELONGS, Violation } from './judge.ts'
import type { SimulatedProcess } from './process.ts'
import { BRANCHES, NAMES } from './program.ts'
import type { Simulation } from './simulate.ts'
import { feed, look } from './workers.ts'

const MAX_ROUNDS = 12
const A_LONG_WHILE_MS = 60_000
const NOWHERE = { users: [], from: null }
type ListFilter = { branchId: string | null; role: null; status: 'active' | null; q: string | null }
const EVERYBODY: ListFilter = { branchId: null, role: null, status: null, q: null }

/** No more trouble: once the workers have nothing to do any more, everything everywhere is the truth. */
export async function judgeQuiet(simulation: Simulation): Promise<void> {
  const { world, cast } = simulation
  world.schedule.inOrder()
  await settle(simulation)
  for (const keys of new Set(cast.everybody().map((process) => process.keys))) await judgeStored(simulation, keys)
  for (const api of cast.apis) {
    // The first read tells a process that Redis was emptied behind its open connection.
    void api.views.byId(1)
    await world.schedule.run()
    let isAnswered = false
    judgeAnswers(simulation, api).then(() => {
      isAnswered = true
    }, world.schedule.fail)
    await world.schedule.run()
    if (!isAnswered) throw new Violation('comes to rest', `${api.name} does not answer`)
  }
}

/** Everything has been told: what near caches hold is no older than any acknowledgement. */
export function judgeNear({ world, cast, judge }: Simulation): void {
  const { database } = world
  for (const { name, near } of cast.apis) {
    near.floors.raiseAll()
    const moment = judge.moment(new Map(), near.floors.now())
    for (const userId of near.caches ? database.known() : []) {
      const held = near.caches?.users.get(userId)
      if (held) judge.user(shownNear(held), moment)
    }
    const catalogue = near.caches?.roles.get(CATALOGUE)
    if (catalogue) judge.catalogue({ ...catalogue, from: 'near' }, moment)
    world.schedule.trace.push(`${name}: near cache judged`)
  }
}

async function settle({ world, cast, program }: Simulation): Promise<void> {
  const { schedule, database } = world
  for (const { holder } of database.rows()) if (holder !== null) database.release(holder)
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    database.time.nowMs += A_LONG_WHILE_MS
    let idle = true
    // One worker of each release will do.
    for (const worker of program.twoSchemas ? [cast.worker(0), cast.worker(2)] : [cast.worker(0)]) {
      const work = async () => {
        const fine = await look(worker)
        const fed = await feed(world, worker).catch(() => true)
        if (!fine || fed) idle = false
      }
      schedule.add(worker.name, 'works on', () => void work())
      await schedule.run()
    }
    for (const { redis } of cast.everybody()) redis.lookAgain()
    await schedule.run()
    if (idle) return
  }
  throw new Violation('comes to rest', `the workers still have something to do after ${MAX_ROUNDS} rounds`)
}

async function judgeStored({ world, judge, program }: Simulation, keys: Keys): Promise<void> {
  const { server, database } = world
  const people = database.known()
  const lists = [keys.home.ids, keys.home.names, ...BRANCHES.map(keys.home.branch)]
  const [dirty, ...found] = await server.look([
    { name: 'SMEMBERS', args: [keys.home.dirty] },
    ...lists.map((key) => ({ name: 'ZRANGE', args: [key, 0, -1] })),
    ...people.map((userId) => ({ name: 'HMGET', args: [keys.user(userId), 'v', 'b', 'p', 't'] })),
  ])
  const wrong = (what: string) => new Violation('converges', `${keys.tag}: ${what}`)
  for (const [i, userId] of people.entries()) {
    const user = database.latest(userId)
    const [v, b, p, t] = found[lists.length + i] as (Buffer | null)[]
    // Another release's worker may have handled the change: then there is a fence.
    if (!b && !p && (program.twoSchemas || user === null || judge.unindexed.has(userId))) continue
    if (judge.spoilt.has(userId)) continue
    const version = database.versionOf(userId)
    const { bodies, terms } = user ? projectUser(user) : projectGone(userId, version)
    if (Number(v) !== version) throw wrong(`user ${userId} is stored at ${v}, and is at ${version}`)
    if (!b?.equals(bodies.full) || !p?.equals(bodies.bare)) throw wrong(`user ${userId} is stored as ${b} and ${p}`)
    if (String(t ?? '') !== encodeTerms(terms)) throw wrong(`user ${userId} has terms ${t}`)
  }
  if (program.twoSchemas) return
  if ((dirty as Buffer[]).length > 0) throw wrong(`${dirty} are dirty`)
  judgeIndexes({ world, judge }, wrong, (found as Buffer[][]).slice(0, lists.length))
}

function judgeIndexes(
  { world, judge }: Pick<Simulation, 'world' | 'judge'>,
  wrong: (what: string) => Violation,
  found: Buffer[][],
): void {
  const users = world.database.ids().flatMap((userId) => world.database.latest(userId) ?? [])
  const everybody = users.map(({ id }) => String(id))
  const names = users.map((user) => nameMember(searchName(user.familyName, user.givenName), user.id))
  const rosters = BRANCHES.map((branch) => users.filter(BELONGS.roster(branch)).map(({ id }) => String(id)))
  const counted = (members: string[]) =>
    members
      .filter((member) => !judge.unindexed.has(Number(member.slice(member.lastIndexOf('\0') + 1))))
      .sort()
      .join()
  for (const [i, wanted] of [everybody, names, ...rosters].entries()) {
    const held = counted((found[i] ?? []).map(String))
    if (held !== counted(wanted)) throw wrong(`an index holds ${held}, and not ${counted(wanted)}`)
  }
}

/** Asks what can be asked; nothing but the truth of now will do. */
async function judgeAnswers({ world, judge }: Simulation, { views, holders, roles, lists }: SimulatedProcess) {
  const { database } = world
  const now = new Map(database.known().map((userId) => [userId, database.versionOf(userId)]))
  const floors = { users: now, roles: database.rolesVersion() }
  const moment = { ...judge.moment(now, floors), floors, near: floors }
  const ask = async (filter: Partial<ListFilter>) => {
    const { users, from } = await lists.list({ ...EVERYBODY, ...filter }, null, 10).catch(() => NOWHERE)
    if (from !== 'redis') throw new Violation('converges', 'lists do not come from Redis again')
    return users
  }
  await Promise.all([
    ...database.known().map(async (userId) => {
      judge.user(await views.byId(userId), moment)
      judge.holder(userId, await holders(userId), moment)
    }),
    ...NAMES.map(async (name) => {
      const answer = await views.byUsername(name)
      judge.username(name, answer, moment)
      if (answer) judge.user(answer, moment)
    }),
    ask({ branchId: 'B1', status: 'active' }).then((users) => judge.list(users, BELONGS.roster('B1'), null, moment)),
    ask({ q: 'family' }).then((users) => judge.list(users, BELONGS.search('family'), null, moment)),
    roles.catalogue().then((catalogue) => judge.catalogue(catalogue, moment)),
  ])
}

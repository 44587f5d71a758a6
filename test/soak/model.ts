import type { RoleCatalogue } from '../../src/domain/role.ts'
import type { Commit, ReadCommits } from './history.ts'
import { catalogueFrom, type State, stateFrom, withoutPersonal } from './state.ts'

export type Model = ReturnType<typeof modelOf>

const UNBORN: State = { version: 0, seq: 0, user: null, body: null, bare: null }

/** The same, as somebody is shown it who may not see what is personal. */
export function modelWithoutPersonal(model: Model): Model {
  return {
    ...model,
    state(userId, version) {
      const state = model.state(userId, version)
      return state && withoutPersonal(state)
    },
  }
}

/** All that was ever committed, in memory, as far as it has been read. */
export function modelOf(read: ReadCommits) {
  const states = new Map<number, State[]>()
  const catalogues = new Map<number, RoleCatalogue>()
  const everAtBranch = new Map<string, Set<number>>()
  const everNamed = new Map<string, Set<number>>()
  const everOfFamily = new Map<string, Set<number>>()
  let newestUserId = 0
  let newestCatalogue = 0
  let seq = 0

  const learn = ({ entity, entityId, version, state, ...commit }: Commit) => {
    seq = commit.seq
    if (entity === 'role') {
      newestCatalogue = version
      catalogues.set(version, catalogueFrom(version, state))
      return
    }
    const learnt = stateFrom(seq, version, state)
    const userId = Number(entityId)
    const known = states.get(userId)
    if (!known) states.set(userId, [learnt])
    // The rows of a new user's counters leave one state each, the last with the version of all.
    else if (known.at(-1)?.version === version) known[known.length - 1] = learnt
    else known.push(learnt)
    for (const branchId of learnt.user?.branches ?? []) add(everAtBranch, branchId, userId)
    newestUserId = Math.max(newestUserId, userId)
    if (!learnt.user) return
    add(everNamed, learnt.user.username, userId)
    add(everOfFamily, learnt.user.familyName, userId)
  }

  return {
    /** Reads what has been committed since. Whatever an answer shows was committed before it was sent. */
    catchUp(): number {
      for (let page = read(seq); page.length > 0; page = read(seq)) for (const commit of page) learn(commit)
      return seq
    },
    /** Ascending by version. */
    states: (userId: number): readonly State[] => states.get(userId) ?? [],
    state: (userId: number, version: number): State | undefined =>
      states.get(userId)?.findLast((state) => state.version === version),
    newest: (userId: number): State | undefined => states.get(userId)?.at(-1),
    /** What an answer may show that must not be older than `floor`. */
    window(userId: number, floor: number): readonly State[] {
      const all = states.get(userId) ?? []
      const from = all.findLastIndex(({ version }) => version <= floor)
      return from === -1 ? [UNBORN, ...all] : all.slice(from)
    },
    catalogue: (version: number): RoleCatalogue | undefined => catalogues.get(version),
    newestCatalogue: () => newestCatalogue,
    userIds: () => [...states.keys()],
    everAtBranch: (branchId: string): Iterable<number> => everAtBranch.get(branchId) ?? [],
    everNamed: (username: string): Iterable<number> => everNamed.get(username) ?? [],
    everOfFamily: (familyName: string): Iterable<number> => everOfFamily.get(familyName) ?? [],
    newestUserId: () => newestUserId,
    branches: () => [...everAtBranch.keys()],
  }
}

function add<Key>(index: Map<Key, Set<number>>, key: Key, userId: number): void {
  const held = index.get(key)
  if (held) held.add(userId)
  else index.set(key, new Set([userId]))
}

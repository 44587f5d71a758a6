import { foldName, searchName } from '../../src/domain/names.ts'
import type { User } from '../../src/domain/user.ts'
import type { Dice } from '../../src/jobs/seed/random.ts'
import * as checks from './checks.ts'
import { type Client, get, type Reply, type Request } from './client.ts'
import type { Judge } from './judge.ts'
import { CATALOGUE, type Knowledge } from './knowledge.ts'
import type { Model } from './model.ts'
import { PERMISSIONS, type People } from './people.ts'

export type ReadDeps = {
  model: Model
  knowledge: Knowledge
  people: People
  judge: Judge
  /** `<epoch>.<schema>`: how every tag of this service begins. */
  tagBase: string
  /** What tags of users are of: bodies with what is personal, or without. `model` is of those bodies. */
  variant: 'u' | 'n'
  /** Whether this service knows the header Min-Version. */
  minVersions: boolean
}
type Question = { request: Request; check(reply: Reply): checks.Complaint; about?: number }
type Kind = (deps: ReadDeps, roll: Dice) => Question

const BULK = 12
/** Longer than any roster of those who move about, and than any of their searches. */
const PAGE = 200

const KINDS: Record<string, { weight: number; question: Kind }> = {
  user: { weight: 40, question: oneUser },
  'user with Min-Version': { weight: 10, question: withMinVersion },
  'user with If-None-Match': { weight: 10, question: conditional },
  'nobody yet': { weight: 2, question: unborn },
  username: { weight: 12, question: byUsername },
  ids: { weight: 6, question: bulk },
  roster: { weight: 10, question: roster },
  search: { weight: 5, question: search },
  permission: { weight: 12, question: permission },
}
const LOTS = Object.entries(KINDS).flatMap(([kind, { weight }]) => Array<string>(weight).fill(kind))

/** One read of a kind that the dice choose, and its answer checked. */
export async function readOnce(deps: ReadDeps, client: Client, roll: Dice): Promise<void> {
  const kind = roll.pick(LOTS)
  deps.model.catchUp()
  const { request, check, about } = (KINDS[kind]?.question ?? oneUser)(deps, roll)
  const reply = await deps.judge.ask(client, kind, request)
  if (reply === null) return
  deps.model.catchUp()
  deps.judge.verdict(reply, check(reply), about)
}

/** The least version of each user that this answer may show. Lists do not say what of them a near cache gave. */
function floors({ knowledge }: ReadDeps, { api, sentAtMs, header }: Reply, minVersion = 0): checks.FloorOf {
  const from = header('read-from')
  const asked = {
    api,
    sentAtMs,
    near: from !== 'database' && from !== 'redis',
    minVersion,
    saidStale: header('read-stale') !== null,
  }
  return (userId) => knowledge.floor(userId, asked)
}
const listFloors = (deps: ReadDeps, reply: Reply): checks.FloorOf => {
  const asked = {
    api: reply.api,
    sentAtMs: reply.sentAtMs,
    near: true,
    minVersion: 0,
    saidStale: reply.header('read-stale') !== null,
  }
  return (userId) => deps.knowledge.floor(userId, asked)
}

function oneUser(deps: ReadDeps, roll: Dice): Question {
  const userId = deps.people.asked(roll)
  return asking(deps, userId, {}, 0)
}

function asking(deps: ReadDeps, userId: number, headers: Record<string, string>, minVersion: number): Question {
  return {
    request: get(`/v1/users/${userId}`, headers),
    about: userId,
    check: (reply) => {
      const floor = floors(deps, reply, minVersion)(userId)
      if (reply.status === 200) return checks.wrongBody(deps.model, userId, floor, reply.text) ?? wrongTag(reply, deps)
      if (reply.status === 404) return checks.wrongAbsence(deps.model, userId, floor)
      return unexpected(reply)
    },
  }
}

function withMinVersion(deps: ReadDeps, roll: Dice): Question {
  const userId = deps.people.changed(roll)
  const newest = deps.knowledge.newest(userId)
  if (!deps.minVersions || newest === 0) return asking(deps, userId, {}, 0)
  return asking(deps, userId, { 'min-version': `user=${newest}` }, newest)
}

/** With the tag of some version that there was, lately. */
function conditional(deps: ReadDeps, roll: Dice): Question {
  const userId = deps.people.changed(roll)
  const state = deps.model.states(userId).at(-1 - roll.below(2))
  const version = state?.version ?? 0
  const plain = asking(deps, userId, { 'if-none-match': `"${deps.tagBase}.${deps.variant}.${version}"` }, 0)
  return {
    ...plain,
    check: (reply) => {
      if (reply.status !== 304) return plain.check(reply)
      return checks.wrongNotModified(deps.model, userId, floors(deps, reply)(userId), version)
    },
  }
}

/** The ids that will be given next: known not to exist, until they do. */
function unborn(deps: ReadDeps, roll: Dice): Question {
  return asking(deps, deps.model.newestUserId() + 1 + roll.below(3), {}, 0)
}

function byUsername(deps: ReadDeps, roll: Dice): Question {
  const states = deps.model.states(deps.people.changed(roll))
  const state = roll.chance(0.8) ? states.at(-1) : states[roll.below(states.length)]
  const username = state?.user?.username ?? deps.people.sharedName(roll)
  return {
    request: get(`/v1/users/by-username/${encodeURIComponent(username)}`),
    check: (reply) => {
      if (reply.status === 200) return checks.wrongUsername(deps.model, username, floors(deps, reply), reply.text)
      if (reply.status === 404) return checks.wrongNameless(deps.model, username, floors(deps, reply))
      return unexpected(reply)
    },
  }
}

function bulk(deps: ReadDeps, roll: Dice): Question {
  const ids = [...new Set(Array.from({ length: BULK }, () => deps.people.asked(roll)))]
  return {
    request: get(`/v1/users?ids=${ids}`),
    check: (reply) => {
      return reply.status === 200
        ? checks.wrongBulk(deps.model, ids, listFloors(deps, reply), reply.text)
        : unexpected(reply)
    },
  }
}

function roster(deps: ReadDeps, roll: Dice): Question {
  const branchId = deps.people.branch(roll)
  return {
    request: get(`/v1/branches/${branchId}/users?limit=${PAGE}`),
    check: (reply) => {
      if (reply.status !== 200) return unexpected(reply)
      const candidates = deps.model.everAtBranch(branchId)
      const belongs = ({ status, branches }: User) => status === 'active' && branches.includes(branchId)
      return checks.wrongList(
        deps.model,
        { candidates, belongs, floorOf: listFloors(deps, reply), byId: true },
        reply.text,
      )
    },
  }
}

function search(deps: ReadDeps, roll: Dice): Question {
  const family = deps.people.family(roll)
  const q = foldName(family)
  return {
    request: get(`/v1/users?q=${q}&limit=${PAGE}`),
    check: (reply) => {
      if (reply.status !== 200) return unexpected(reply)
      const belongs = ({ familyName, givenName }: User) => searchName(familyName, givenName).startsWith(q)
      const wanted = {
        candidates: deps.model.everOfFamily(family),
        belongs,
        floorOf: listFloors(deps, reply),
        byId: false,
      }
      return checks.wrongList(deps.model, wanted, reply.text)
    },
  }
}

function permission(deps: ReadDeps, roll: Dice): Question {
  const question = {
    userId: deps.people.asked(roll),
    permission: roll.pick(PERMISSIONS),
    branchId: deps.people.branch(roll),
  }
  const { userId, branchId } = question
  return {
    request: get(`/v1/users/${userId}/permissions/${question.permission}?branchId=${branchId}`),
    about: userId,
    check: (reply) => {
      const floorOf = listFloors(deps, reply)
      if (reply.status === 404) return checks.wrongAbsence(deps.model, userId, floorOf(userId))
      if (reply.status !== 200) return unexpected(reply)
      const least = { user: floorOf(userId), catalogue: floorOf(CATALOGUE) }
      return checks.wrongPermission(deps.model, question, least, reply.header('etag'), reply.text)
    },
  }
}

function wrongTag({ header, text }: Reply, { variant }: ReadDeps): checks.Complaint {
  const [, of, version] = /\.([un])\.(\d+)"$/.exec(header('etag') ?? '') ?? []
  if (of !== variant) return `the tag ${header('etag')} is of other bodies`
  return text.endsWith(`,"version":${version}}`) ? null : `the tag ${header('etag')} is of another version`
}

const unexpected = ({ status }: Reply): checks.Complaint => `status ${status}`

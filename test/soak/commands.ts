import { LIMIT_NAMES } from '../../src/domain/limits.ts'
import type { User } from '../../src/domain/user.ts'
import type { Dice } from '../../src/jobs/seed/random.ts'
import { wrongAbsence } from './checks.ts'
import type { Client, Reply, Request } from './client.ts'
import type { Judge } from './judge.ts'
import { codeOf } from './judge.ts'
import { CATALOGUE, type Knowledge } from './knowledge.ts'
import type { Ledger } from './ledger.ts'
import type { Model } from './model.ts'
import { PERMISSIONS, type People, ROLES } from './people.ts'
import { describeReply } from './tally.ts'

export type CommandDeps = {
  model: Model
  knowledge: Knowledge
  people: People
  judge: Judge
  ledger: Ledger
  nextId(): number
}
/** `shows`: what the user looks like once it is done. `unique`: nobody else can have made it so before. */
type Command = { method: string; path: string; body: object | null; unique: boolean; shows(user: User): boolean }
type Kind = (userId: number, deps: CommandDeps, roll: Dice) => Command

const KINDS: Record<string, Kind> = {
  'change job title': (userId, { nextId }) => patch(userId, { jobTitle: `Title ${nextId()}` }, true),
  'change name': (userId, { people, nextId }, roll) =>
    patch(userId, { familyName: people.family(roll), givenName: `Given ${nextId()}` }, true),
  'change username': (userId, { people }, roll) => patch(userId, { username: people.sharedName(roll) }, false),
  'set limit': (userId, { nextId }) => {
    const value = nextId()
    return put(`${userId}/limits/cash-drop`, { value }, true, ({ limits }) => limits['cash-drop'] === value)
  },
  'remove limit': (userId, _deps, roll) => {
    const limit = roll.pick(LIMIT_NAMES)
    return remove(`${userId}/limits/${limit}`, ({ limits }) => limits[limit] === undefined)
  },
  'set preference': (userId, { nextId }) => {
    const value = `Value ${nextId()} ✓`
    return put(`${userId}/preferences/soak`, { value }, true, ({ preferences }) => preferences.soak === value)
  },
  'assign branch': (userId, { people }, roll) => {
    const branchId = people.branch(roll)
    const home = roll.chance(0.3)
    return put(`${userId}/branches/${branchId}`, home ? { home } : {}, false, (user) => {
      return user.branches.includes(branchId) && (!home || user.homeBranchId === branchId)
    })
  },
  'unassign branch': (userId, { model }, roll) => {
    const branches = model.newest(userId)?.user?.branches ?? []
    const branchId = branches[roll.below(branches.length)] ?? 'B001'
    return remove(`${userId}/branches/${branchId}`, (user) => !user.branches.includes(branchId))
  },
  'grant role': (userId, { people }, roll) => {
    const role = roll.pick(ROLES)
    const branchId = roll.chance(0.5) ? people.branch(roll) : null
    const where = branchId === null ? '' : `?branchId=${branchId}`
    return put(`${userId}/roles/${role}${where}`, null, false, ({ roles }) => {
      return roles.some((grant) => grant.role === role && grant.branchId === branchId)
    })
  },
  'revoke role': (userId, { model }, roll) => {
    const grants = model.newest(userId)?.user?.roles ?? []
    const { role, branchId } = grants[roll.below(grants.length)] ?? { role: 'cashier', branchId: null }
    const where = branchId === null ? '' : `?branchId=${branchId}`
    return remove(`${userId}/roles/${role}${where}`, ({ roles }) => {
      return !roles.some((grant) => grant.role === role && grant.branchId === branchId)
    })
  },
  suspend: (userId) => post(`${userId}/suspend`, ({ status }) => status === 'suspended'),
  reinstate: (userId) => post(`${userId}/reinstate`, ({ status }) => status === 'active'),
}

/** A command of a kind that the dice choose; what is acknowledged must be in the database, then and for ever. */
export async function commandOnce(deps: CommandDeps, client: Client, roll: Dice): Promise<void> {
  if (roll.chance(0.03)) return defineRole(deps, client, roll)
  const kind = roll.pick(Object.keys(KINDS))
  deps.model.catchUp()
  const userId = deps.people.changed(roll)
  const before = deps.model.newest(userId)?.version ?? 0
  const command = KINDS[kind]?.(userId, deps, roll)
  if (!command) return
  const { unique, shows } = command
  const entry = deps.ledger.sent(`soak-${deps.nextId()}`, kind, unique)
  const reply = await deps.judge.ask(client, kind, requestOf(command, entry.requestId))
  deps.model.catchUp()
  if (reply === null) return
  if (reply.status !== 200) {
    entry.refused()
    const absent = reply.status === 404 && codeOf(reply) === 'user-not-found'
    if (absent) deps.judge.verdict(reply, wrongAbsence(deps.model, userId, before), userId)
    else if (reply.status !== 409) deps.judge.verdict(reply, `status ${reply.status} to a command`, userId)
    return
  }
  const { version } = JSON.parse(reply.text) as { version: number }
  entry.done(userId, version)
  learn(deps, userId, version, reply)
  const state = deps.model.state(userId, version)
  if (!state?.user) deps.judge.verdict(reply, `acknowledged, but version ${version} was never committed`, userId)
  else if (!shows(state.user))
    deps.judge.verdict(reply, `acknowledged, but version ${version} does not show it: ${state.body}`, userId)
}

function learn({ knowledge, judge }: CommandDeps, userId: number, version: number, reply: Reply): void {
  const { api, receivedAtMs } = reply
  const visibility = reply.header('visibility')
  knowledge.learn(userId, { version, atMs: receivedAtMs, by: api, visible: visibility === null })
  if (visibility !== null && visibility !== 'pending') judge.verdict(reply, `visibility ${visibility}`, userId)
}

async function defineRole(deps: CommandDeps, client: Client, roll: Dice): Promise<void> {
  const role = roll.pick(ROLES)
  const title = `Role ${deps.nextId()}`
  const names = new Set(Array.from({ length: 4 }, () => roll.pick(PERMISSIONS)))
  const permissions = [...names].map((permission) => ({ permission, effect: roll.pick(['allow', 'approve']) }))
  const body = { title, privileged: roll.chance(0.5), permissions }
  const entry = deps.ledger.sent(`soak-${deps.nextId()}`, 'define role', true)
  const request = requestOf({ method: 'PUT', path: `/v1/roles/${role}`, body }, entry.requestId)
  const reply = await deps.judge.ask(client, 'define role', request)
  deps.model.catchUp()
  if (reply === null) return
  if (reply.status !== 200)
    return deps.judge.complain(`status ${reply.status} to a command`, reply.sentAtMs, describeReply(reply))
  const { version } = JSON.parse(reply.text) as { version: number }
  entry.done(CATALOGUE, version)
  learn(deps, CATALOGUE, version, reply)
  const stored = deps.model.catalogue(version)?.roles.find((one) => one.role === role)
  if (stored?.title !== title)
    deps.judge.verdict(reply, `acknowledged, but catalogue version ${version} does not show it`)
}

export function requestOf(
  { method, path, body }: Pick<Command, 'method' | 'path' | 'body'>,
  requestId: string,
): Request {
  return { method, path, body, headers: { 'x-request-id': requestId } }
}

function patch(userId: number, body: Partial<User>, unique: boolean): Command {
  const shows = (user: User) => Object.entries(body).every(([name, value]) => user[name as keyof User] === value)
  return { method: 'PATCH', path: `/v1/users/${userId}`, body, unique, shows }
}

function put(path: string, body: object | null, unique: boolean, shows: Command['shows']): Command {
  return { method: 'PUT', path: `/v1/users/${path}`, body, unique, shows }
}

function remove(path: string, shows: Command['shows']): Command {
  return { method: 'DELETE', path: `/v1/users/${path}`, body: null, unique: false, shows }
}

function post(path: string, shows: Command['shows']): Command {
  return { method: 'POST', path: `/v1/users/${path}`, body: null, unique: false, shows }
}

import { decidePermission } from '../../src/domain/permissions.ts'
import type { User } from '../../src/domain/user.ts'
import type { Model } from './model.ts'

/** What is wrong with an answer; null: nothing. `floor`: the least version that it may show. */
export type Complaint = string | null

/** One user's body, as it came. */
export function wrongBody(model: Model, userId: number, floor: number, text: string): Complaint {
  const shown = parsed(text) as Partial<User> & { userId?: number }
  if (shown.userId !== userId) return `the body of user ${shown.userId}, asked for ${userId}`
  const version = Number(shown.version)
  const state = model.state(userId, version)
  if (!state) return `version ${version} was never committed`
  if (state.body === null) return `at version ${version} there was no such user`
  if (state.body !== text) return `a body that never was; version ${version} is\n    ${state.body}`
  if (version < floor) return `version ${version}, but ${floor} must be shown`
  return null
}

/** 404, or named in `missing`. */
export function wrongAbsence(model: Model, userId: number, floor: number): Complaint {
  const window = model.window(userId, floor)
  if (window.some(({ user }) => user === null)) return null
  return `user ${userId} has lived all along, since version ${window[0]?.version}`
}

/** 304 to a caller who has `version`. */
export function wrongNotModified(model: Model, userId: number, floor: number, version: number): Complaint {
  if (version < floor) return `not modified since version ${version}, but ${floor} must be shown`
  return model.state(userId, version) ? null : `version ${version} was never committed`
}

export function wrongUsername(model: Model, username: string, floorOf: FloorOf, text: string): Complaint {
  const shown = parsed(text) as { userId?: number; username?: string }
  if (shown.username?.toLowerCase() !== username.toLowerCase()) return `the body of "${shown.username}"`
  const userId = Number(shown.userId)
  return wrongBody(model, userId, floorOf(userId), text)
}

/** 404 for a username. */
export function wrongNameless(model: Model, username: string, floorOf: FloorOf): Complaint {
  for (const userId of model.everNamed(username)) {
    const window = model.window(userId, floorOf(userId))
    if (window.every(({ user }) => user?.username === username)) {
      return `user ${userId} has had that username all along, since version ${window[0]?.version}`
    }
  }
  return null
}

export type FloorOf = (userId: number) => number
export type WantedList = {
  /** Everybody who may ever have belonged. */
  candidates: Iterable<number>
  belongs(user: User): boolean
  floorOf: FloorOf
  /** Sorted by id; else by something that may change between index and body. */
  byId: boolean
}

/** A page from the start of a list. */
export function wrongList(model: Model, wanted: WantedList, text: string): Complaint {
  const { items, nextCursor } = parsed(text) as {
    items: (Omit<User, 'id'> & { userId: number })[]
    nextCursor: string | null
  }
  const shown = new Set<number>()
  let last = 0
  for (const item of items) {
    const { userId } = item
    if (shown.has(userId)) return `user ${userId} twice`
    if (wanted.byId && userId < last) return `user ${userId} after ${last}`
    shown.add(userId)
    last = userId
    const wrong = wrongBody(model, userId, wanted.floorOf(userId), JSON.stringify(item))
    if (wrong) return `in the list: user ${userId}: ${wrong}`
    if (!wanted.belongs({ ...item, id: userId })) return `user ${userId} does not belong, by the body that is shown`
  }
  if (nextCursor !== null && !wanted.byId) return null
  for (const userId of wanted.candidates) {
    if (shown.has(userId) || (nextCursor !== null && userId > last)) continue
    const window = model.window(userId, wanted.floorOf(userId))
    if (window.every(({ user }) => user !== null && wanted.belongs(user))) {
      return `user ${userId} is not in the list, but has belonged all along, since version ${window[0]?.version}`
    }
  }
  return null
}

/** `ids=`: each one shown or missing, in the order asked for. */
export function wrongBulk(model: Model, ids: number[], floorOf: FloorOf, text: string): Complaint {
  const { items, missing } = parsed(text) as { items: { userId: number }[]; missing: number[] }
  const absent = new Set(missing)
  const present = ids.filter((userId) => !absent.has(userId))
  if (`${items.map(({ userId }) => userId)}` !== `${present}`) return 'not the ids that were asked for, in their order'
  for (const item of items) {
    const wrong = wrongBody(model, item.userId, floorOf(item.userId), JSON.stringify(item))
    if (wrong) return `user ${item.userId}: ${wrong}`
  }
  for (const userId of missing) {
    const wrong = wrongAbsence(model, userId, floorOf(userId))
    if (wrong) return wrong
  }
  return null
}

export type PermissionQuestion = { userId: number; permission: string; branchId: string }
type PermissionFloors = { user: number; catalogue: number }

/** The answer must be what user and catalogue of the versions that its tag names come to. */
export function wrongPermission(
  model: Model,
  { userId, permission, branchId }: PermissionQuestion,
  floors: PermissionFloors,
  etag: string | null,
  text: string,
): Complaint {
  const [, version, rolesVersion] = /\.p\.(\d+)\.(\d+)"$/.exec(etag ?? '')?.map(Number) ?? []
  if (version === undefined || rolesVersion === undefined) return `the tag is ${etag}`
  const user = model.state(userId, version)?.user
  const catalogue = model.catalogue(rolesVersion)
  if (!user) return `there was no user ${userId} at version ${version}`
  if (!catalogue) return `the catalogue was never at version ${rolesVersion}`
  if (version < floors.user) return `user at version ${version}, but ${floors.user} must be shown`
  if (rolesVersion < floors.catalogue)
    return `catalogue at version ${rolesVersion}, but ${floors.catalogue} must be shown`
  const right = JSON.stringify({ userId, branchId, ...decidePermission(user, catalogue, permission, branchId) })
  return right === text ? null : `by those versions it is\n    ${right}`
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}

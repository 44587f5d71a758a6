import type { Role } from '../../src/domain/role.ts'
import { normaliseUsername, type User } from '../../src/domain/user.ts'
import type { Change } from '../../src/ports.ts'
import { stamp, type Time } from './simulated-globals.ts'

/** A change of users (null: deleted) and of the catalogue, committed together. */
export type Writes = { users?: Map<number, User | null>; roles?: Role[] }
export type Row = Change & { holder: string | null }
export type SimulatedDatabase = ReturnType<typeof simulatedDatabase>

/** No writer's transaction is open for longer; the guard's setting. */
export const LONGEST_TRANSACTION_MS = 3

/**
 * The truth, in memory: every version that ever was, so that any answer can be judged. A commit is one moment, and adds
 * the change rows with it, stamped with when its statements ran.
 */
export function simulatedDatabase(time: Time) {
  const histories = new Map<number, (User | null)[]>()
  const changedAt = new Map<number, number>()
  const catalogues: Role[][] = [[]]
  /** Who had which username after each commit. */
  const owners: Map<string, number>[] = [new Map()]
  let rows: Row[] = []
  let changes = 0

  const versionOf = (userId: number): number => (histories.get(userId)?.length ?? 1) - 1
  const at = (userId: number, version: number): User | null => histories.get(userId)?.[version] ?? null
  const latest = (userId: number): User | null => at(userId, versionOf(userId))
  const ids = (): number[] => [...histories.keys()].filter((userId) => latest(userId) !== null).sort((a, b) => a - b)
  const addRow = (entity: 'user' | 'role', entityId: string, writtenAt: number) => {
    changes += 1
    rows.push({ changeId: changes, entity, entityId, changedAt: stamp(writtenAt), holder: null })
  }

  return {
    time,
    /** By schema: which was begun last. */
    incarnations: new Map<string, string>(),
    versionOf,
    at,
    latest,
    ids,
    known: () => [...histories.keys()],
    rolesVersion: () => catalogues.length - 1,
    rolesAt: (version: number): Role[] => catalogues[version] ?? [],
    owners,
    ownerOf: (username: string): number | null => owners.at(-1)?.get(normaliseUsername(username)) ?? null,
    changedSince: (since: string, until: string | null = null): number[] =>
      [...changedAt]
        .flatMap(([userId, when]) => (stamp(when) >= since && (until === null || stamp(when) <= until) ? [userId] : []))
        .sort((a, b) => a - b),
    /** False: a username would be held twice; nothing was written. `writtenAt`: when the statements ran. */
    commit({ users, roles }: Writes, writtenAt: number = time.nowMs): boolean {
      const now = new Map((owners.at(-1) ?? new Map()) as Map<string, number>)
      for (const [name, owner] of now) if (users?.has(owner)) now.delete(name)
      for (const [userId, user] of users ?? []) {
        if (!user) continue
        const name = normaliseUsername(user.username)
        if (now.has(name)) return false
        now.set(name, userId)
      }
      for (const [userId, user] of users ?? []) {
        const history = histories.get(userId) ?? [null]
        histories.set(userId, history)
        history.push(user && { ...user, id: userId, version: history.length })
        changedAt.set(userId, writtenAt)
        addRow('user', String(userId), writtenAt)
      }
      if (roles) {
        catalogues.push(roles)
        addRow('role', '*', writtenAt)
      }
      owners.push(now)
      time.nowMs += 1
      return true
    },
    rows: (): readonly Row[] => rows,
    claim(holder: string, limit: number): Row[] {
      const free = rows.filter((row) => row.holder === null).slice(0, limit)
      for (const row of free) row.holder = holder
      return free
    },
    release(holder: string): void {
      for (const row of rows) if (row.holder === holder) row.holder = null
    },
    forget(changeIds: number[]): void {
      rows = rows.filter(({ changeId }) => !changeIds.includes(changeId))
    },
  }
}

import { encodeTerms, projectGone, projectUser } from '../../src/projections/user/project.ts'
import type { SimulatedDatabase } from './database.ts'
import { type Judge, Violation } from './judge.ts'
import type { Watcher } from './server.ts'

/** Looks at each user's entry whenever it may have changed: it is the truth at its version, and never goes back. */
export function entryWatch(database: SimulatedDatabase, judge: Judge, fail: (error: Violation) => void) {
  const versions = new Map<string, number>()
  const entry: Watcher['entry'] = (key, fields, how) => {
    const userId = Number(key.slice(key.lastIndexOf(':') + 1))
    if (!fields.v) {
      versions.delete(key)
      return
    }
    const version = Number(fields.v)
    const before = versions.get(key) ?? -1
    if (version < before)
      fail(new Violation('no way back', `${how.name} took user ${userId} from ${before} to ${version}`))
    versions.set(key, version)
    const unleased = how.name === 'apply-n' && how.lastArg === ''
    if (judge.unindexed.has(userId) && unleased) spoil(userId, version)
    const { b, p, t } = fields
    if (!b && !p) return
    const user = database.at(userId, version)
    const { bodies, terms } = user ? projectUser(user) : projectGone(userId, version)
    if (!b?.equals(bodies.full) || !p?.equals(bodies.bare) || encodeTerms(terms) !== String(t ?? '')) {
      fail(new Violation('exact', `${how.name} left user ${userId} at ${version} as ${b} ${p} ${t}`))
    }
  }
  /** Once deleted by hand, the entry has no memory: what a worker had read before it may be put in its place. */
  const spoil = (userId: number, version: number) => {
    if (version < database.versionOf(userId)) judge.spoil(userId)
    else judge.spoilt.delete(userId)
  }
  const hint: Watcher['hint'] = (key, userId) =>
    fail(new Violation('hints', `user ${userId} has taken away ${key}, which was another's`))
  return { watch: { entry, hint }, forget: () => versions.clear() }
}

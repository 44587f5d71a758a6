import { createHash } from 'node:crypto'
import type { TrueUser } from '../../ports.ts'
import type { Cause } from '../../projections/consistency/causes.ts'
import type { UserState } from '../../projections/consistency/states.ts'
import type { Bodies } from '../../projections/user/bodies.ts'
import { encodeTerms, type ProjectedUser } from '../../projections/user/project.ts'
import { project } from '../../projections/user/shown.ts'

/** Of no bytes: a tombstone's bodies. */
const NO_BYTES = digestOf(Buffer.alloc(0))

/** In what a copy differs from the truth; nothing where it may be as it is. */
export function compare(found: TrueUser, state: UserState): Cause[] {
  if (found.version === 0 && found.user) return ['uncounted']
  if (state.version === null) return absent(found, state)
  if (!isVersion(state.version)) return ['unreadable']
  if (state.version > found.version) return ['ahead']
  const lives = found.user !== null
  if (lives && state.digests?.full === NO_BYTES && state.digests.bare === NO_BYTES) return ['tombstone']
  if (state.version < found.version) return ['behind']
  const expected = project(found)
  // Only a fence: nothing is shown, but somebody ought to have projected it by now.
  if (state.digests === null) return ['dirty']
  return [...contents(expected, state, lives), ...(state.dirty ? ['dirty' as const] : []), ...indexes(expected, state)]
}

const isVersion = (held: number): boolean => Number.isSafeInteger(held) && held >= 0

/** Users who are gone, and ids that never existed, need no entry. */
function absent({ user }: TrueUser, { built, inIds }: UserState): Cause[] {
  if (!built) return []
  if (user) return ['missing']
  return inIds ? ['ids-extra'] : []
}

function contents(expected: ProjectedUser, state: UserState, lives: boolean): Cause[] {
  const causes: Cause[] = []
  if (!isSame(expected.bodies, state.digests)) causes.push(lives ? 'content' : 'undead')
  if (state.terms !== encodeTerms(expected.terms)) causes.push('terms')
  return causes
}

/** Only where the indexes count as complete. */
function indexes({ userId, terms }: ProjectedUser, state: UserState): Cause[] {
  if (!state.built) return []
  if (terms === null) return state.inIds ? ['ids-extra'] : []
  const causes: Cause[] = []
  if (!state.inIds) causes.push('ids-missing')
  if (!state.inNames) causes.push('names-missing')
  if (!state.inRosters) causes.push('roster-missing')
  if (state.hint !== String(userId)) causes.push('hint')
  return causes
}

/** Each by itself: who may not see what is personal is served the one, and everybody else the other. */
function isSame({ full, bare }: Bodies, digests: UserState['digests']): boolean {
  return digests?.full === digestOf(full) && digests.bare === digestOf(bare)
}

/** As Redis's `sha1hex`. */
function digestOf(body: Buffer): string {
  return createHash('sha1').update(body).digest('hex')
}

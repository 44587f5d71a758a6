import { DomainError } from '../../domain/errors.ts'
import type { Branch, Employment } from '../../domain/neighbours.ts'
import type { Caller } from '../../ports/neighbours.ts'
import type { Foreign, ForeignReads } from '../../projections/foreign/foreign-copies.ts'
import type { UserReads } from '../../projections/near/near-views.ts'
import { bodyFor } from '../../projections/user/bodies.ts'
import { isKnown, type KnownUser } from '../../projections/user/shown.ts'
import { bareEmployment, type Degraded, type EmploymentBody, type ProfilePart } from '../../wire/profile.ts'
import type { FullUserBody } from '../../wire/user.ts'

export type Deps = {
  views: Pick<UserReads, 'byId'>
  branches: ForeignReads<Branch>
  employments: ForeignReads<Employment>
}
export type GetProfile = { userId: number; minVersion: number; include: ProfilePart[]; seesPersonal: boolean }
/** `body`: the user as this caller sees them. */
export type Profile = { user: KnownUser; body: Buffer; parts: Parts; degraded: Degraded[] }
type Parts = { branches?: object[]; employment?: EmploymentBody | null }
type Part = { shown: Parts; degraded: Degraded[] }
type Known = Pick<FullUserBody, 'branches' | 'homeBranchId' | 'employeeNumber'>

/** The user as every read shows it, and beside it what others know: as far as it is to be had in the caller's time. */
export function getProfile({ views, branches, employments }: Deps) {
  return async ({ userId, minVersion, include, seesPersonal }: GetProfile, caller: Caller): Promise<Profile> => {
    const user = await views.byId(userId, minVersion)
    if (!isKnown(user)) throw new DomainError('user-not-found', `There is no user ${userId}.`)
    // Whoever asks: people-service is asked by the number.
    const known = JSON.parse(user.bodies.full.toString()) as Known
    const reading = {
      branches: async () => branchesPart(known, await branches.read(known.branches, caller)),
      employment: async () => employmentPart(known, await employments.read(numbersOf(known), caller), seesPersonal),
    } satisfies Record<ProfilePart, () => Promise<Part>>
    const parts = await Promise.all(include.map((part) => reading[part]()))
    return {
      user,
      body: bodyFor(user.bodies, seesPersonal),
      parts: Object.assign({}, ...parts.map(({ shown }) => shown)),
      degraded: parts.flatMap(({ degraded }) => degraded),
    }
  }
}

const numbersOf = ({ employeeNumber }: Known): string[] => (employeeNumber === null ? [] : [employeeNumber])

function branchesPart({ branches, homeBranchId }: Known, known: Map<string, Foreign<Branch>>): Part {
  const shown = branches.map((branchId) => {
    const branch = shownOf(known.get(branchId))
    return { branchId, home: branchId === homeBranchId, details: branch && detailsOf(branch) }
  })
  const groups = Map.groupBy(
    branches.flatMap((branchId) => degradedOf('branches', known.get(branchId)).map((entry) => ({ branchId, entry }))),
    ({ entry }) => `${entry.reason} ${entry.asOf === null}`,
  )
  const degraded = [...groups.values()].map((group) => ({
    ...oldest(group.map(({ entry }) => entry)),
    branchIds: group.map(({ branchId }) => branchId),
  }))
  return { shown: { branches: shown }, degraded }
}

function employmentPart(
  { employeeNumber }: Known,
  known: Map<string, Foreign<Employment>>,
  seesPersonal: boolean,
): Part {
  const found = employeeNumber === null ? undefined : known.get(employeeNumber)
  const employment = shownOf(found)
  const shown = { employment: employment && !seesPersonal ? bareEmployment(employment) : employment }
  return { shown, degraded: degradedOf('employment', found) }
}

const detailsOf = ({ branchId: _, ...details }: Branch) => details

function shownOf<T>(found: Foreign<T> | undefined): T | null {
  return found === undefined || found.state === 'missing' ? null : found.value
}

function degradedOf(part: ProfilePart, found: Foreign<unknown> | undefined): Degraded[] {
  if (found === undefined || found.state === 'fresh') return []
  return [{ part, reason: found.reason, asOf: found.state === 'stale' ? found.asOf : null }]
}

/** All have a time, or none has. */
function oldest(entries: Degraded[]): Degraded {
  return entries.reduce((one, other) => ((other.asOf ?? '') < (one.asOf ?? '') ? other : one))
}

import type { Dice } from '../../src/jobs/seed/random.ts'
import { seedRoles } from '../../src/jobs/seed/roles.ts'

/** Few enough that reads, commands, foreign writes and faults meet at the same users, rosters and names all the time. */
const HOT_USERS = 120
/** Deleted and inserted again by another program, under the same ids. */
const MORTAL_USERS = 40
const BRANCHES = 10
const SHARED_NAMES = 30
const FAMILIES = ['Soakaby', 'Soakbury', 'Soakcombe', 'Soakden']
const MAX_REGISTERED = 400

export const ROLES = seedRoles().map(({ role }) => role)
export const PERMISSIONS = [
  ...new Set(seedRoles().flatMap(({ permissions }) => permissions.map(({ permission }) => permission))),
]

export type People = ReturnType<typeof peopleOf>

/** Whom everything is about: the first ids of the database, and those who are registered meanwhile. */
export function peopleOf(users: number) {
  const hot = Array.from({ length: HOT_USERS }, (_, i) => i + 1)
  const mortal = Array.from({ length: MORTAL_USERS }, (_, i) => HOT_USERS + i + 1)
  const registered: number[] = []
  const anyOfThese = (roll: Dice) => {
    const registeredToo = registered.length > 0 && roll.chance(0.15)
    if (registeredToo) return roll.pick(registered)
    return roll.chance(0.2) ? roll.pick(mortal) : roll.pick(hot)
  }
  return {
    hot,
    mortal,
    /** Whom somebody asks about: mostly the hot ones. */
    asked: (roll: Dice): number => (roll.chance(0.1) ? 1 + roll.below(users) : anyOfThese(roll)),
    /** Whom a command or another program changes. */
    changed: anyOfThese,
    addRegistered(userId: number): void {
      if (registered.length < MAX_REGISTERED) registered.push(userId)
    },
    wantsMore: () => registered.length < MAX_REGISTERED,
    branch: (roll: Dice): string => `B${String(1 + roll.below(BRANCHES)).padStart(3, '0')}`,
    /** Usernames that go from one user to another. */
    sharedName: (roll: Dice): string => `soak.name.${roll.below(SHARED_NAMES)}`,
    family: (roll: Dice): string => roll.pick(FAMILIES),
  }
}

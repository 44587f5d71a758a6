import { LIMIT_NAMES, LIMITS, type LimitName } from '../../domain/limits.ts'
import { foldName } from '../../domain/names.ts'
import { compareGrants, compareText, type Grant, type User, type UserStatus } from '../../domain/user.ts'
import { GREETINGS, JOB_TITLES, NAMES } from './names.ts'
import { type Dice, dice, mulberry32 } from './random.ts'
import { seedRoles } from './roles.ts'

export const SEED_BRANCHES = 620
const ROLE_NAMES = seedRoles().map(({ role }) => role)
const FIRST_DAY = Date.UTC(2015, 0, 1)
const LAST_DAY = Date.UTC(2025, 11, 31)
/** One row in each of five source tables, at version 1 each. */
export const SEED_VERSION = 5

/** `count` made-up people, ids from 1. The same seed and id give the same person, whatever the count. */
export function* seedUsers({ count, seed }: { count: number; seed: number }): Generator<User> {
  for (let id = 1; id <= count; id += 1) yield id === 1 ? demoUser() : seedUser(seed, id)
}

function seedUser(seed: number, id: number): User {
  const roll = dice(mulberry32(seed * 0x9e3779b1 + id))
  const names = roll.pick(NAMES)
  const givenName = roll.pick(names.given)
  const familyName = roll.pick(names.family)
  const username = usernameFor(givenName, familyName, id)
  const branches = someBranches(roll)
  const createdAt = FIRST_DAY + roll.below(LAST_DAY - FIRST_DAY)
  return {
    id,
    username,
    employeeNumber: roll.chance(0.95) ? `E-${String(id).padStart(7, '0')}` : null,
    givenName,
    familyName,
    email: roll.chance(0.9) ? `${username}@example.com` : null,
    // 555-01xx is set aside for fiction.
    phone: roll.chance(0.7) ? `+1 ${201 + roll.below(700)} 555 01${String(roll.below(100)).padStart(2, '0')}` : null,
    jobTitle: roll.chance(0.85) ? roll.pick(JOB_TITLES) : null,
    status: someStatus(roll),
    homeBranchId: branches[0] ?? null,
    branches: branches.toSorted(compareText),
    roles: someGrants(roll, branches),
    limits: someLimits(roll),
    preferences: somePreferences(roll),
    createdAt: new Date(createdAt).toISOString(),
    updatedAt: new Date(createdAt + roll.below(LAST_DAY - createdAt + 1)).toISOString(),
    version: SEED_VERSION,
  }
}

/** The id in base 36 makes it unique; folded names make it readable, where they fold to ASCII. */
function usernameFor(givenName: string, familyName: string, id: number): string {
  const plain = (name: string) =>
    foldName(name)
      .replace(/[^a-z]+/g, '')
      .slice(0, 24)
  const parts = [plain(givenName), plain(familyName), id.toString(36)].filter((part) => part !== '')
  return parts.length === 1 ? `user.${parts[0]}` : parts.join('.')
}

function someStatus(roll: Dice): UserStatus {
  if (roll.chance(0.9)) return 'active'
  return roll.chance(0.4) ? 'suspended' : 'terminated'
}

const branchId = (number: number) => `B${String(number).padStart(3, '0')}`

/** The first is the home branch. */
function someBranches(roll: Dice): string[] {
  const wanted = roll.chance(0.75) ? 1 : 2 + roll.below(3)
  const branches = new Set<string>()
  while (branches.size < wanted) branches.add(branchId(1 + roll.below(SEED_BRANCHES)))
  return [...branches]
}

function someGrants(roll: Dice, branches: string[]): Grant[] {
  const grants = new Map<string, Grant>()
  for (let left = 1 + roll.below(3); left > 0; left -= 1) {
    const grant = { role: roll.pick(ROLE_NAMES), branchId: roll.chance(0.2) ? null : roll.pick(branches) }
    grants.set(`${grant.role} ${grant.branchId}`, grant)
  }
  return [...grants.values()].sort(compareGrants)
}

function someLimits(roll: Dice): Partial<Record<LimitName, number>> {
  const limits: Partial<Record<LimitName, number>> = {}
  for (const name of LIMIT_NAMES.toSorted(compareText)) {
    if (roll.chance(0.25)) limits[name] = LIMITS[name].unit === 'cents' ? 1_000 * (1 + roll.below(500)) : roll.below(51)
  }
  return limits
}

function somePreferences(roll: Dice): Record<string, string> {
  const preferences: Record<string, string> = {}
  if (roll.chance(0.4)) preferences.language = roll.pick(['pl', 'de', 'fr', 'en', 'vi', 'ja', 'el', 'uk', 'ar', 'tr'])
  if (roll.chance(0.3)) preferences['receipt-greeting'] = roll.pick(GREETINGS)
  if (roll.chance(0.5)) preferences.theme = roll.pick(['dark', 'light'])
  return preferences
}

/** User 1: the one that the documents show. */
function demoUser(): User {
  return {
    id: 1,
    username: 'zofia.wojcik',
    employeeNumber: 'E-0000001',
    givenName: 'Zofia',
    familyName: 'Wójcik',
    email: 'zofia.wojcik@example.com',
    phone: '+1 212 555 0100',
    jobTitle: 'Shift manager',
    status: 'active',
    homeBranchId: 'B001',
    branches: ['B001', 'B014'],
    roles: [
      { role: 'cashier', branchId: null },
      { role: 'shift-manager', branchId: 'B001' },
    ],
    limits: { 'discount-percent': 15, 'refund-amount': 50_000 },
    preferences: { 'receipt-greeting': 'Dzień dobry! 👋', theme: 'dark' },
    createdAt: '2019-03-04T07:30:00.000Z',
    updatedAt: '2024-05-01T08:30:00.000Z',
    version: SEED_VERSION,
  }
}

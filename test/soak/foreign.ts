import type { Dice } from '../../src/jobs/seed/random.ts'
import type { ForeignWrite } from './foreign-writer.ts'
import { CATALOGUE } from './knowledge.ts'
import type { Model } from './model.ts'
import { PERMISSIONS, type People, ROLES } from './people.ts'

type Deps = { model: Model; people: People; nextId(): number }
type Statements = ForeignWrite['statements']
type Kind = (userId: number, deps: Deps, roll: Dice) => Statements

const KINDS: Record<string, Kind> = {
  'job title': (userId, { nextId }) => [
    ['UPDATE users SET job_title = ? WHERE user_id = ?', `Foreign ${nextId()}`, userId],
  ],
  rename: (userId, { people, nextId }, roll) => [
    [
      'UPDATE users SET family_name = ?, given_name = ? WHERE user_id = ?',
      people.family(roll),
      `Foreign ${nextId()}`,
      userId,
    ],
  ],
  username: (userId, { people }, roll) => [
    ['UPDATE users SET username = ? WHERE user_id = ?', people.sharedName(roll), userId],
  ],
  /** Several rows of several tables: nobody may see the half of it. */
  'branch move': (userId, { people }, roll) => {
    const branchId = people.branch(roll)
    return [
      ['UPDATE users SET home_branch_id = ? WHERE user_id = ?', branchId, userId],
      ['DELETE FROM user_branches WHERE user_id = ?', userId],
      [
        'INSERT INTO user_branches (user_id, branch_id) SELECT user_id, ? FROM users WHERE user_id = ?',
        branchId,
        userId,
      ],
    ]
  },
  grant: (userId, { people }, roll) => [
    ['DELETE FROM user_roles WHERE user_id = ?', userId],
    [
      'INSERT INTO user_roles (user_id, role, branch_id) SELECT user_id, ?, ? FROM users WHERE user_id = ?',
      roll.pick(ROLES),
      roll.chance(0.5) ? null : people.branch(roll),
      userId,
    ],
  ],
  status: (userId, _deps, roll) => [
    ['UPDATE users SET status = ? WHERE user_id = ?', roll.pick(['active', 'active', 'suspended']), userId],
  ],
}

/** A transaction of a program that is not this service. */
export function foreignWrite(deps: Deps, roll: Dice): ForeignWrite {
  if (roll.chance(0.15)) return deathOrBirth(deps, roll)
  if (roll.chance(0.03)) return catalogueChange(deps, roll)
  const userIds = roll.chance(0.2)
    ? [deps.people.changed(roll), deps.people.changed(roll)]
    : [deps.people.changed(roll)]
  const statements = [...new Set(userIds)].flatMap((userId) => {
    return KINDS[roll.pick(Object.keys(KINDS))]?.(userId, deps, roll) ?? []
  })
  return { statements, userIds: [...new Set(userIds)] }
}

/** Who is there goes, with all that they had; who is gone comes back under the same id, as somebody else. */
function deathOrBirth({ model, people, nextId }: Deps, roll: Dice): ForeignWrite {
  model.catchUp()
  const userId = roll.pick(people.mortal)
  if (model.newest(userId)?.user) {
    const tables = ['user_branches', 'user_roles', 'user_limits', 'user_preferences', 'users']
    return { statements: tables.map((table) => [`DELETE FROM ${table} WHERE user_id = ?`, userId]), userIds: [userId] }
  }
  const now = '2026-01-01 00:00:00.000'
  const branchId = people.branch(roll)
  return {
    statements: [
      [
        `INSERT INTO users (user_id, username, given_name, family_name, status, home_branch_id, created_at, updated_at)
         VALUES (?, ?, ?, ?, 'active', ?, ?, ?)`,
        ...[userId, `reborn.${nextId()}`, `Reborn ${nextId()}`, people.family(roll), branchId, now, now],
      ],
      ['INSERT INTO user_branches (user_id, branch_id) VALUES (?, ?)', userId, branchId],
    ],
    userIds: [userId],
  }
}

function catalogueChange({ nextId }: Deps, roll: Dice): ForeignWrite {
  const role = roll.pick(ROLES)
  return {
    statements: [
      ['UPDATE roles SET title = ? WHERE role = ?', `Foreign ${nextId()}`, role],
      ['DELETE FROM role_permissions WHERE role = ? AND permission = ?', role, roll.pick(PERMISSIONS)],
    ],
    userIds: [CATALOGUE],
  }
}

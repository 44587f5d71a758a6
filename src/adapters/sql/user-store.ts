import { DomainError } from '../../domain/errors.ts'
import type { UserEvent } from '../../domain/events.ts'
import type { RoleCatalogue } from '../../domain/role.ts'
import type { User } from '../../domain/user.ts'
import type { Database, IdempotencyKey, Session, UserStore, WriteContext, Written } from '../../ports.ts'
import { type AuditOptions, NO_EVENTS, writeAudit } from './audit.ts'
import { registerUser } from './register-user.ts'
import { readCatalogue } from './role-rows.ts'
import { writeUserEvents } from './user-events.ts'
import { readUserRows, readVersions } from './user-rows.ts'
import { refuseTakenUsername, refusingDuplicateUsername } from './usernames.ts'

/** How often a command begins again because somebody else wrote the user between its reading and its commit. */
const MAX_ATTEMPTS = 3

type Writing = AuditOptions & { database: Database }
type Decide = (user: User, session: Session) => Promise<UserEvent[]>

/** The commands' side of the database. `visible` is true here; telling the read models is the caller's (wiring). */
export function sqlUserStore(database: Database, { events }: AuditOptions = NO_EVENTS): UserStore {
  const writing = { database, events }
  return {
    update: (userId, context, decide) => update(writing, userId, context, async (user) => decide(user)),
    updateWithRoles: (userId, context, decide) =>
      update(writing, userId, context, async (user, session) => decide(user, await settledCatalogue(session))),
    register: (registration, by, idempotency: IdempotencyKey | null) =>
      registerUser(writing, registration, by, idempotency),
  }
}

async function update(writing: Writing, userId: number, context: WriteContext, decide: Decide): Promise<Written> {
  const { database } = writing
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    try {
      const once = (session: Session) => updateOnce(writing, session, userId, context, decide)
      const version = await database.transaction(once, { certain: true })
      return { version, visible: true }
    } catch (error) {
      if (!(error instanceof OvertakenError)) throw error
    }
  }
  throw new DomainError('busy', 'Other programs keep changing this user; try again.')
}

async function updateOnce(writing: Writing, session: Session, userId: number, context: WriteContext, decide: Decide) {
  const { database, events: toPublish } = writing
  const user = await lockAndLoad(session, userId)
  const events = await decide(user, session)
  if (events.length === 0) return user.version
  if (context.expectedVersions !== null && !context.expectedVersions.includes(user.version)) {
    throw new DomainError('version-conflict', `The user is at version ${user.version}.`)
  }
  const bumps = await checkingUsername({ database, session, user, events }, () =>
    writeUserEvents(session, user, events.filter(isChange)),
  )
  const entity = { name: 'user', id: String(userId) } as const
  await writeAudit(session, { dialect: database.dialect, entity, happened: events, by: context.by, events: toPublish })
  const version = (await readVersions(session, [userId])).get(userId) ?? 0
  if (version !== user.version + bumps) throw new OvertakenError()
  return version
}

/**
 * The update changes and bumps nothing: it takes the row's lock, which every command of this service takes first. Not of
 * the key: Informix updates no SERIAL column, not even to what it is.
 */
async function lockAndLoad(session: Session, userId: number): Promise<User> {
  const locked = await session.execute('UPDATE users SET status = status WHERE user_id = ?', [userId])
  if (locked === 0) throw new DomainError('user-not-found', `There is no user ${userId}.`)
  const version = (await readVersions(session, [userId])).get(userId) ?? 0
  const user = (await readUserRows(session, [userId])).get(userId)
  if (!user) throw new OvertakenError()
  return { ...user, version }
}

async function settledCatalogue(session: Session): Promise<RoleCatalogue> {
  const catalogue = await readCatalogue(session)
  if (!catalogue.settled) throw new OvertakenError()
  return catalogue
}

type Checking = { database: Database; session: Session; user: User; events: UserEvent[] }
async function checkingUsername<Result>({ database, session, user, events }: Checking, write: () => Promise<Result>) {
  const username = events.find((event) => event.type === 'details-changed')?.changes.username
  if (username !== undefined) await refuseTakenUsername(session, database.dialect, username, user.id)
  return refusingDuplicateUsername(username, write)
}

function isChange(event: UserEvent): event is Exclude<UserEvent, { type: 'user-registered' }> {
  return event.type !== 'user-registered'
}

/** Somebody wrote the user meanwhile: what was decided was decided on rows that are no longer so. */
class OvertakenError extends Error {
  constructor() {
    super('overtaken by another writer')
    this.name = 'OvertakenError'
  }
}

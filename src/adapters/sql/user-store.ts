import { DomainError } from '../../domain/errors.ts'
import type { UserEvent } from '../../domain/events.ts'
import type { RoleCatalogue } from '../../domain/role.ts'
import type { User } from '../../domain/user.ts'
import type { Actor, Database, Session, UserStore, WriteContext, Written } from '../../ports.ts'
import { type AuditOptions, NO_EVENTS, writeAudit } from './audit.ts'
import { KEYS_KEPT_MS, type KeyOptions, onceAKey } from './command-keys.ts'
import { registerUser } from './register-user.ts'
import { readCatalogue } from './role-rows.ts'
import { writeUserEvents } from './user-events.ts'
import { readUserRows, readVersions } from './user-rows.ts'
import { refuseTakenUsername, refusingDuplicateUsername } from './usernames.ts'

/** How often a command begins again because somebody else wrote the user between its reading and its commit. */
const MAX_ATTEMPTS = 3

type Writing = AuditOptions & KeyOptions & { database: Database }
type Options = AuditOptions & Partial<KeyOptions>
type Decide = (user: User, session: Session) => Promise<UserEvent[]>

/** The commands' side of the database. `visible` is true here; telling the read models is the caller's (wiring). */
export function sqlUserStore(database: Database, options: Options = NO_EVENTS): UserStore {
  const writing = { database, keysKeptMs: KEYS_KEPT_MS, ...options }
  return {
    update: (userId, context, decide) => update(writing, userId, context, async (user) => decide(user)),
    updateWithRoles: (userId, context, decide) =>
      update(writing, userId, context, async (user, session) =>
        decide(user, await settledCatalogue(session), await whoAsks(session, context.by)),
      ),
    register: (registration, by, idempotency) => registerUser(writing, registration, by, idempotency),
  }
}

async function update(writing: Writing, userId: number, context: WriteContext, decide: Decide): Promise<Written> {
  const once = async (session: Session) => {
    return { userId, version: await updateOnce(writing, session, userId, context, decide) }
  }
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    try {
      // The key before the user: whoever waits for a key holds nothing that its holder may want.
      const { userId: _, ...written } = await onceAKey(writing, context.idempotency, once)
      return written
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
  const { dialect } = database
  await writeAudit(session, { dialect, entity, before: user, happened: events, by: context.by, events: toPublish })
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

/** As this transaction sees them: what they hold now decides what they may give. */
async function whoAsks(session: Session, { authority }: Actor): Promise<User | null> {
  if (authority.branches === null || authority.userId === null) return null
  const asking = (await readUserRows(session, [authority.userId])).get(authority.userId)
  return asking ? { ...asking, version: 0 } : null
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

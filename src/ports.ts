import type { Authority } from './domain/authority.ts'
import type { UserEvent } from './domain/events.ts'
import type { RoleCatalogue, RoleEvent } from './domain/role.ts'
import type { User, UserStatus } from './domain/user.ts'
import type { Idempotency, StoredAnswer } from './ports/idempotency.ts'

// ── The database ────────────────────────────────────────────────────────────────────────────────────────────────────

export type SqlValue = string | number | null
export type SqlRow = Record<string, SqlValue>

/** Somewhere statements run: a connection, or a transaction. Outside a transaction each statement commits by itself. */
export type Session = {
  query<Row extends SqlRow = SqlRow>(sql: string, params?: SqlValue[]): Promise<Row[]>
  /** Answers the number of rows that the statement itself changed (not those that triggers changed). */
  execute(sql: string, params?: SqlValue[]): Promise<number>
}

/** What differs between databases. Everything else of a statement is the subset that they share. */
export type Dialect = {
  name: 'sqlite' | 'informix' | 'derby'
  /** Ends a SELECT: at most `rows` rows. */
  limit(rows: number): string
  /** A scalar expression: now, UTC, `YYYY-MM-DD HH:MM:SS.fff`, by the database's clock. */
  utcNow: string
  /** Lower case as the unique index of usernames has it. */
  lower(expression: string): string
}

/** Out of reach, every call rejects with DomainError `database-unavailable`. */
export type Database = Session & {
  dialect: Dialect
  /**
   * Commits when `work` resolves, rolls back when it rejects. Waits a bounded time for a place: DomainError `busy`. `work`
   * may run again when the database has undone it. `certain`: when the answer to the commit is lost, it finds out what
   * became of it, and rejects with DomainError `outcome-unknown` only when that cannot be had.
   */
  transaction<Result>(work: (session: Session) => Promise<Result>, how?: { certain?: boolean }): Promise<Result>
  /** Reads from where the data really is, past every cache of this process. Rejects when that is not possible. */
  ping(): Promise<void>
  close(): Promise<void>
}

// ── Commands: the truth, written ────────────────────────────────────────────────────────────────────────────────────

/** Who asked for a command, for the audit, and how far their writes reach. `name`: the token's subject. */
export type Actor = {
  name: string
  client: string | null
  requestId: string
  address: string
  authority: Authority
}

/**
 * `expectedVersions`: from If-Match; any of them will do. Null when the caller named none; empty matches nothing.
 * `idempotency`: the command is carried out once a key.
 */
export type WriteContext = { expectedVersions: number[] | null; by: Actor; idempotency?: Idempotency | null }

/**
 * `visible` false: committed, but the read models could not be told; the change feed will (design, section 3). `answer`: the
 * one that was given to an earlier request with the same Idempotency-Key, to be given again.
 */
export type Written = { version: number; visible: boolean; answer?: StoredAnswer }

export type UserStore = {
  /**
   * Loads the user under a lock, lets `decide` say what happens, writes it with its audit entries, and commits; nothing
   * is written when `decide` answers no event. `decide` is pure: it may run again. Throws `user-not-found`,
   * `version-conflict` (something would change, and the version is not the expected one), `username-taken`. With a key that was
   * used before: the answer that was given then; `idempotency-key-reused` for another request, `idempotency-key-in-use`
   * while the first is still being carried out.
   */
  update(userId: number, context: WriteContext, decide: (user: User) => UserEvent[]): Promise<Written>
  /** As `update`, with the role catalogue of the same transaction in hand, and the user who asks, where they are one. */
  updateWithRoles(
    userId: number,
    context: WriteContext,
    decide: (user: User, catalogue: RoleCatalogue, asking: User | null) => UserEvent[],
  ): Promise<Written>
  register(
    registration: (userId: number) => Extract<UserEvent, { type: 'user-registered' }>,
    by: Actor,
    idempotency: Idempotency | null,
  ): Promise<Written & { userId: number }>
}

export type RoleStore = {
  /** `holders`: how many grants of `role` there are (counted up to 1). Throws `version-conflict` as UserStore does. */
  update(
    role: string,
    context: WriteContext,
    decide: (catalogue: RoleCatalogue, holders: number) => RoleEvent[],
  ): Promise<Written>
}

/** What a committed command owes the read models: nothing old may be served once it is acknowledged. */
export type ReadModels = {
  /** False: they are already as new. */
  fenceUser(userId: number, version: number): Promise<boolean>
  fenceRoles(version: number): Promise<boolean>
  /** After `username` was given to this user: fences whoever is still found by it. Answers whom. */
  fenceFormerHolders(username: string, userId: number): Promise<number[]>
  projectUserNow(userId: number): Promise<void>
  projectRolesNow(): Promise<void>
  /** Wakes the workers: something was committed. */
  announce(): void
}

// ── The truth, read ─────────────────────────────────────────────────────────────────────────────────────────────────

/** `user` null: there is none (deleted when version > 0, never existed when 0). `settled` false: it kept moving while
 * it was read, so it may be answered but never stored. `unreadable`: the rows of this one, among many, cannot be read;
 * it says nothing of whether there is such a user. A read of one user rejects instead. */
export type TrueUser = {
  userId: number
  version: number
  user: User | null
  settled: boolean
  unreadable?: true
}

export type UserFilter = { branchId: string | null; role: string | null; status: UserStatus | null }

/** Reads the database, never a copy. */
export type Truth = {
  user(userId: number): Promise<TrueUser>
  /** In the order of `userIds`, one each. At most MAX_BULK_USERS. */
  users(userIds: number[]): Promise<TrueUser[]>
  /** One each, 0 for an id that never existed. At most MAX_BULK_USERS. */
  versions(userIds: number[]): Promise<Map<number, number>>
  userIdByUsername(username: string): Promise<number | null>
  /** Ids above `afterId`, ascending, at most `limit`. */
  userIds(filter: UserFilter, afterId: number, limit: number): Promise<number[]>
  countUsers(): Promise<number>
  /** The greatest id in use; 0 when there are no users. */
  lastUserId(): Promise<number>
  roles(): Promise<RoleCatalogue & { settled: boolean }>
  rolesVersion(): Promise<number>
  /**
   * Users whose version moved at or after `since` (database time), ids above `afterId`, ascending. `until`: and not after
   * it. Of each table only the last move is known: whose rows of one table moved within and again later counts as later.
   */
  usersChangedSince(since: string, afterId: number, limit: number, until?: string | null): Promise<number[]>
  /** The database's clock, `YYYY-MM-DD HH:MM:SS.fff`, UTC. */
  now(): Promise<string>
}
export const MAX_BULK_USERS = 500

// ── The change feed ─────────────────────────────────────────────────────────────────────────────────────────────────

/** Says what changed, never what it is now. */
export type Change = { changeId: number; entity: 'user' | 'role'; entityId: string; changedAt: string }

export type ChangeFeed = {
  /** Hands on batches, one at a time, and forgets a batch only after `handle` has resolved. */
  subscribe(subscriber: ChangeSubscriber): Subscription
}
export type ChangeSubscriber = {
  /** Rejects when not all of them went through. Then they come again, together or in parts: handling is idempotent. */
  handle(changes: Change[]): Promise<void>
  /** Whether an error says by its kind that something is out of reach, and no change at fault. The database's are known. */
  isOutage(error: unknown): boolean
  /** Whether a change of somebody who is not among these would go through now. Where that is not certain: false. */
  othersGoThrough(changes: Change[]): Promise<boolean>
  /** The change will be parked: see to it that nothing older than the database's present state is left standing. */
  giveUp(change: Change): Promise<void>
  /** Now and then. */
  onMark(mark: FeedMark): Promise<void>
  /** Changes were lost on their way; who cannot say which must look at all since the last mark. Then handing on goes on. */
  onLost(): Promise<void>
}
/**
 * Every change that was visible before `before` (database time) has been handled, or is parked. `stream`: what vouches for
 * that; another than before may have left out what the one before had in hand.
 */
export type FeedMark = { before: string; stream: string }
/** What the outbox itself vouches for; also before there were other streams. */
export const DIRECT_STREAM = 'direct'
/** `error` says what failed and where, and holds nobody's data. */
export type ParkedChange = Change & { error: string; attempts: number; parkedAt: string }
export type Subscription = { wake(): void; stop(): Promise<void> }

// ── The rest ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The part of pino that is used: ids, never objects that hold personal data. */
export type Log = {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** `YYYY-MM-DDTHH:MM:SS.fffZ`, the process's clock: for columns and events, never for comparing with the database's. */
export type Clock = () => Date

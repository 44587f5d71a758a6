import type { FieldChange } from '../domain/field-changes.ts'

/** One entry of the audit, of one event of one command. */
export type AuditedChange = {
  /** 1, 2, … of this user, without a gap; null: written before entries were chained, and nothing shows that it is true. */
  seq: number | null
  /** RFC 3339, UTC, milliseconds; the database's clock. */
  at: string
  /** The event's. */
  type: string
  subject: string
  client: string | null
  requestId: string
  address: string
  /** Null: what it said was erased, or cannot be read. With `seq` null what a field was before is not known, and null. */
  changes: FieldChange[] | null
}

/** The newest first. `next`: after which key to go on; null: there is no more. */
export type HistoryPage = { entries: AuditedChange[]; next: number | null }

export type AuditTrail = {
  /** After the key `after` (null: from the newest on), at most `limit`. Also of a user who is gone. Null: nobody is known. */
  history(userId: number, after: number | null, limit: number): Promise<HistoryPage | null>
}

/**
 * That what the audit said of a user was erased, of `entries` entries up to the one with seq `upTo`. Only the audit keeps it:
 * it is published to nobody. `at`: RFC 3339, UTC, milliseconds.
 */
export type HistoryErased = {
  type: 'history-erased'
  userId: number
  at: string
  entries: number
  upTo: number
  reason: string
}

/** What is wrong at a place of a chain. */
export const CHAIN_FAULTS = {
  missing: 'entries from here on are missing',
  'newest-missing': 'the entries from here on, up to the newest, are missing',
  'out-of-place': 'stands before the beginning of the chain',
  'entry-missing': 'has a place in the chain, and there is no such entry',
  'of-another': 'its entry is of somebody, or something, else',
  'content-differs': 'what it says is not what was written',
  'hash-differs': 'it, or the one before, is not what was written',
  'head-differs': 'it is not the newest that was written',
  'beyond-head': 'stands behind the newest that was written',
  'no-head': 'the end of this chain is not recorded',
  'erased-unsaid': 'erased, and no later entry says that it was',
  'not-chained': 'written since entries are chained, and it has no place in a chain',
  removed: 'the entries up to here were removed, and none are to be (AUDIT_RETENTION_DAYS)',
  'removed-early': 'the entries up to here were removed before their time (AUDIT_RETENTION_DAYS)',
  shortened: 'it was the newest once, and is missing',
  rewritten: 'it was the newest once, and was another',
} as const
export type ChainFault = keyof typeof CHAIN_FAULTS
/** `seq` null: it has none; then `auditId` says which row of user_audit is meant. */
export type BrokenPlace = {
  entity: string
  entityId: string
  seq: number | null
  auditId: number | null
  what: ChainFault
}

/**
 * `of`: one kind of entity, or one of them; null: all. `unchainedBefore`: entries that were recorded before this time (RFC 3339)
 * may lack a place in a chain, an earlier release has written them beside this one; null: only those that are older than
 * every chained one. `mayBeRemoved`: whether the oldest entries of chains may be gone.
 */
export type VerifyWhat = {
  of: { entity: string; id?: string } | null
  unchainedBefore: string | null
  mayBeRemoved: boolean
  stop: AbortSignal
}
/**
 * How far a verification has come: chains by kind and id, then entries and places by their keys. Whatever came before has been
 * looked at.
 */
export type VerifiedUpTo =
  | { part: 'chains'; entity: string; after: string }
  | { part: 'entries' | 'places'; after: number }
export type VerifySteps = {
  /** Where to go on; null: from the beginning. What is counted is counted from there. */
  from: VerifiedUpTo | null
  /** After each page, of so many rows; waited for before the next. */
  reached(upTo: VerifiedUpTo, rows: number, counts: AuditVerification): Promise<void>
}
/** How many there are. `entries`: with a place in a chain; `unchained`: from before entries were chained. */
export type AuditVerification = { chains: number; entries: number; erased: number; unchained: number; broken: number }
/**
 * The newest entry of a chain. `keptSeq`: what stood up to there has been removed. `at`: when it was recorded, by the database's
 * clock and in its form; null: it has been removed itself.
 */
export type ChainEnd = {
  entity: string
  entityId: string
  seq: number
  hash: string
  keptSeq: number
  at: string | null
}
/** All entries without a place in a chain. `hash`: of what neither erasure nor anybody else may change. */
export type Unchained = { count: number; hash: string }

/** `pending`: so many entries are still to be published, and have to be first. `nothing`: there is nothing left to erase. */
export type ErasedHistory =
  | { outcome: 'erased'; entries: number; upTo: number }
  | { outcome: 'pending'; entries: number }
  | { outcome: 'nothing' }

import { SqlError, type SqlErrorKind } from '../sql/errors.ts'
import { type Failure, STATES } from './protocol.ts'

/** What an error of the driver is told apart by. */
type Details = { sqlcode: number; sqlstate: string; isDeadlock: boolean }

/** A refusal by the driver as the rest of the service knows it. The database's own text stands in none: it names values. */
export function sqlErrorFrom(failure: Failure): SqlError {
  const kind = kindOf(failure)
  const { code, state } = failure
  const said =
    state === STATES.noDriver
      ? 'IBM’s driver cannot be loaded: docs/informix.md says what it needs'
      : `the database refuses (${kind}; code ${code}, SQLSTATE ${state || 'none'})`
  const details: Details = { sqlcode: code, sqlstate: state, isDeadlock: isDeadlock(failure) }
  return new SqlError(kind, said, details)
}

function detailsOf(error: unknown): Partial<Details> {
  return error instanceof SqlError ? ((error.cause ?? {}) as Partial<Details>) : {}
}

/** It never reached the database: nothing has come of it. */
export function wasNotSent(error: unknown): boolean {
  return detailsOf(error).sqlstate === STATES.notSent
}

/** Chosen as the victim: what was done is undone, and may be done again at once. */
export function wasDeadlock(error: unknown): boolean {
  return detailsOf(error).isDeadlock === true
}

/** A server that is too busy refuses a connection at once, and lets in whoever comes a little later. */
export function isTooBusy(error: unknown): boolean {
  return TOO_BUSY.includes(detailsOf(error).sqlcode ?? 0)
}
const TOO_BUSY = [-908, -930, -27001]

/**
 * What only whoever starts this can mend, with a password or a driver: both are read at the start. Informix' -951 and -952, and DRDA's
 * -30082, say that the user or the password is refused (https://www.ibm.com/docs/en/i/7.5?topic=tcpip-drda-connection-authorization-failure).
 */
export function isRefusedForGood(error: unknown): boolean {
  const { sqlcode, sqlstate } = detailsOf(error)
  return sqlstate === STATES.noDriver || LOGIN_REFUSED.includes(sqlcode ?? 0)
}
const LOGIN_REFUSED = [-951, -952, -30082]

export function kindOf({ code, state, text }: Failure): SqlErrorKind {
  const byCode = ISAM_DECIDES.includes(code) ? byIsam(code, text) : BY_CODE[code]
  if (byCode) return byCode
  const byState = BY_STATE[state] ?? BY_CLASS[state.slice(0, 2)]
  if (byState) return byState
  return /Connection not open|CLI0106E|CLI0600E/.test(text) ? 'unavailable' : 'other'
}

/** -346: a row cannot be updated; the others: a row or a table cannot be read, written or locked. The ISAM error says why. */
const ISAM_DECIDES = [-346, -271, -243, -244, -245, -246]

function byIsam(code: number, text: string): SqlErrorKind {
  if (/-100\b/.test(text)) return 'duplicate'
  if (/-1(?:07|13|43|44|54)\b/.test(text)) return 'busy'
  return /-\d+: ISAM error/.test(text) || code === -346 ? 'other' : 'busy'
}

/** An ISAM error of Informix stands in the text of the SQL error that it caused. */
function isDeadlock({ code, state, text }: Failure): boolean {
  return state === '40001' || code === -911 || (kindOf({ code, state, text }) === 'busy' && /-143\b/.test(text))
}

/** IBM Informix Error Messages; the numbers are the same in every release since 12.10. */
const BY_CODE: Readonly<Record<number, SqlErrorKind>> = {
  [-239]: 'duplicate', // a unique index
  [-268]: 'duplicate', // a unique constraint
  [-691]: 'missing-parent',
  [-692]: 'missing-parent', // still referred to
  [-391]: 'not-null',
  [-1226]: 'too-long', // a DECIMAL or MONEY
  [-1279]: 'too-long', // a string
  [-23103]: 'not-storable', // the code set has no such character
  [-233]: 'busy',
  [-263]: 'busy',
  [-908]: 'unavailable',
  [-930]: 'unavailable',
  [-951]: 'unavailable',
  [-952]: 'unavailable',
  [-27001]: 'unavailable',
  [-30081]: 'unavailable',
  [-30108]: 'unavailable', // the driver has connected anew, and the session's settings are gone
}

/** SQLSTATE (ISO/IEC 9075-2), and Derby's own lock timeouts. */
const BY_STATE: Readonly<Record<string, SqlErrorKind>> = {
  '23505': 'duplicate',
  '23503': 'missing-parent',
  '23502': 'not-null',
  '22001': 'too-long',
  '22003': 'too-long',
  '22021': 'not-storable',
  '40001': 'busy',
  '40003': 'unavailable',
  '40XL1': 'busy',
  '40XL2': 'busy',
  [STATES.noDriver]: 'unavailable',
  [STATES.processEnded]: 'unavailable',
  [STATES.noAnswerInTime]: 'unavailable',
  [STATES.notSent]: 'unavailable',
}
/** 08: the connection; 58: a system error. */
const BY_CLASS: Readonly<Record<string, SqlErrorKind>> = { '08': 'unavailable', '58': 'unavailable' }

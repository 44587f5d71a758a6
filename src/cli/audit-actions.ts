import type { BrokenPlace, ChainEnd, Unchained, VerifyWhat } from '../ports/audit-trail.ts'
import { type Audit, CHAIN_FAULTS } from '../wiring-audit.ts'
import { PlainError } from './plain-error.ts'

export type Tell = (line: string) => void
type Of = VerifyWhat['of']

/** Tells each broken place and what there is. Answers how many places are broken. */
export async function verifyChains(audit: Pick<Audit, 'verify'>, what: VerifyWhat, tell: Tell): Promise<number> {
  const counts = await audit.verify(what, (place) => tell(placeText(place)))
  const { chains, entries, erased, unchained, broken } = counts
  tell(`${of(chains, 'chain')} of ${of(entries, 'entry', 'entries')}, ${of(erased, 'entry', 'entries')} erased`)
  if (unchained > 0)
    tell(`${of(unchained, 'entry', 'entries')} from before entries were chained: nothing is known of them`)
  tell(broken === 0 ? 'nothing is broken' : `${of(broken, 'place')} broken`)
  return broken
}

type Ends = Pick<Audit, 'ends' | 'unchained'>

/** One line each, for a file that is kept elsewhere; behind them, of all, one of the entries without a place in a chain. */
export async function tellEnds(audit: Ends, wanted: Of, stop: AbortSignal, tell: Tell): Promise<void> {
  for await (const end of audit.ends(stop)) if (isOf(wanted, end)) tell(endText(end))
  if (wanted === null) tell(unchainedText(await audit.unchained(stop)))
}

type Comparing = Pick<VerifyWhat, 'of' | 'stop'> & { hadRetention: boolean }
type Compared = Pick<Audit, 'comparing' | 'unchained' | 'hasRetention'>

/** Compares with the lines that `tellEnds` has told once. Answers how much is not what it was. */
export async function compareEnds(
  audit: Compared,
  lines: () => AsyncIterable<string>,
  { of: wanted, stop, hadRetention }: Comparing,
  tell: Tell,
): Promise<number> {
  const compare = await audit.comparing(hadRetention)
  let [compared, broken, number] = [0, 0, 0]
  let before: Unchained | null = null
  for await (const line of lines()) {
    stop.throwIfAborted()
    number += 1
    if (line.trim() === '') continue
    const end = endFrom(line)
    const outside = unchainedFrom(line)
    before = outside ?? before
    if (end === null && outside === null)
      throw new PlainError(`Line ${number} is not one that \`audit verify --heads\` has told.`)
    if (end === null || !isOf(wanted, end)) continue
    compared += 1
    const place = await compare(end)
    if (place === null) continue
    broken += 1
    tell(placeText(place))
  }
  tell(`${of(compared, 'chain')} compared, ${broken === 0 ? 'none' : broken} of them not what it was`)
  if (wanted !== null || before === null) return broken
  const now = await audit.unchained(stop)
  const isWell = isWhatItWas(before, now, hadRetention || audit.hasRetention)
  if (!isWell)
    tell(`${of(now.count, 'entry', 'entries')} outside of chains, and not the ${before.count} that there were`)
  return broken + (isWell ? 0 : 1)
}

/** None is added to them any more; of those that may have been removed only their number can be compared. */
function isWhatItWas(before: Unchained, now: Unchained, mayBeRemoved: boolean): boolean {
  if (now.count === before.count) return now.hash === before.hash
  return mayBeRemoved && now.count < before.count
}

type Erasing = Parameters<Audit['erase']>[0]

/** Answers what to tell. What the person at the terminal can mend is a PlainError. */
export async function eraseUser(audit: Pick<Audit, 'erase'>, erasing: Erasing): Promise<string> {
  const erased = await audit.erase(erasing)
  switch (erased.outcome) {
    case 'nothing':
      return 'Nothing is left to erase.'
    case 'pending':
      throw new PlainError(
        `Nothing is erased: ${of(erased.entries, 'entry', 'entries')} of this user still to be published. Try again when ` +
          '`users-service work relay` has done so.',
      )
    case 'erased':
      return (
        `Erased what ${of(erased.entries, 'entry', 'entries')} said, up to seq ${erased.upTo}. Not reached: events that were ` +
        'published, backups, logs, and whatever the user did to others (docs/audit.md).'
      )
  }
}

function isOf(wanted: Of, { entity, entityId }: Pick<ChainEnd, 'entity' | 'entityId'>): boolean {
  return wanted === null || (wanted.entity === entity && (wanted.id === undefined || wanted.id === entityId))
}

function placeText({ entity, entityId, seq, auditId, what }: BrokenPlace): string {
  const where = seq === null ? `audit_id ${auditId}` : `seq ${seq}`
  return `${entity} ${entityId} ${where} ${what}: ${CHAIN_FAULTS[what]}`
}

const BETWEEN = '\t'
const REMOVED = '-'
const endText = ({ entity, entityId, seq, hash, keptSeq, at }: ChainEnd): string =>
  [entity, entityId, seq, hash, keptSeq, at ?? REMOVED].join(BETWEEN)
const END =
  /^([a-z]{1,8})\t([^\t]{1,32})\t([1-9]\d{0,15})\t([0-9a-f]{64})\t(\d{1,16})\t(-|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3})$/
function endFrom(line: string): ChainEnd | null {
  const [, entity, entityId, seq, hash, keptSeq, at] = END.exec(line) ?? []
  if (!(entity && entityId && seq && hash && keptSeq && at)) return null
  return { entity, entityId, seq: Number(seq), hash, keptSeq: Number(keptSeq), at: at === REMOVED ? null : at }
}

const unchainedText = ({ count, hash }: Unchained): string => ['outside-of-chains', count, hash].join(BETWEEN)
const UNCHAINED = /^outside-of-chains\t(\d{1,16})\t([0-9a-f]{64})$/
function unchainedFrom(line: string): Unchained | null {
  const [, count, hash] = UNCHAINED.exec(line) ?? []
  return count && hash ? { count: Number(count), hash } : null
}

function of(count: number, one: string, more = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : more}`
}

import type { AuditVerification, BrokenPlace, VerifiedUpTo, VerifySteps, VerifyWhat } from '../../ports/audit-trail.ts'
import { type ChainHead, chainCheck } from './audit-check.ts'
import { NO_SEQ } from './audit-hash.ts'
import {
  type AuditReads,
  headPages,
  LINKS_AT_ONCE,
  lastSeq,
  type OfEntity,
  readChains,
  readHead,
  readKinds,
  readLinks,
} from './audit-links.ts'
import { loosePlaces } from './audit-loose.ts'

/** Where more is broken there is nothing to be gained from going on. */
const MAX_BROKEN_CHAINS = 10_000
/** Of one chain; who has seen so many has no need of the others. */
const MAX_PLACES = 1_000
/** While a chain is written, or its data is erased, what is read of it may not fit together: it is read again. */
const MAX_LOOKS = 5

const AT_ONCE: VerifySteps = { from: null, reached: async () => undefined }

type Found = (place: BrokenPlace) => void
type Counts = Pick<AuditVerification, 'chains' | 'entries' | 'erased'>

/**
 * Looks whether the audit is what was written: every chain, and what stands outside of one. In pages, whatever there is;
 * commands go on meanwhile. `found` is told each broken place; who goes on from somewhere may be told of one again.
 */
export async function verifyAudit(
  reads: AuditReads,
  { of, unchainedBefore, mayBeRemoved, stop }: VerifyWhat,
  found: Found,
  { from, reached }: VerifySteps = AT_ONCE,
): Promise<AuditVerification> {
  const counts = { chains: 0, entries: 0, erased: 0, broken: 0, unchained: 0 }
  const brokenChains = new Set<string>()
  const tell: Found = (place) => {
    counts.broken += 1
    found(place)
  }
  const examine = async (one: OfEntity): Promise<Counts | null> => {
    const name = `${one.entity} ${one.id}`
    if (brokenChains.has(name)) return null
    const { places, ...counted } = await examineChain(reads, one)
    if (places.length === 0) return counted
    if (brokenChains.size >= MAX_BROKEN_CHAINS) throw new RangeError(`more than ${MAX_BROKEN_CHAINS} chains are broken`)
    brokenChains.add(name)
    for (const place of places) tell(place)
    return counted
  }
  const add = (counted: Counts | null): void => {
    if (counted === null) return
    counts.chains += counted.chains
    counts.entries += counted.entries
    counts.erased += counted.erased
  }
  for await (const heads of batches(reads, { of, stop }, from)) {
    if (!mayBeRemoved) for (const place of removedOf(heads)) tell(place)
    const counted = await examineTogether(reads, heads)
    if (counted) add(counted)
    else for (const head of heads) add(await examine({ entity: head.entity, id: head.entity_id }))
    const last = heads.at(-1)
    if (last) await reached({ part: 'chains', entity: last.entity, after: last.entity_id }, linksOf(heads), counts)
  }
  const unchained = (): void => {
    counts.unchained += 1
  }
  const steps = { from, reached: (upTo: VerifiedUpTo, rows: number) => reached(upTo, rows, counts) }
  const loose = { of, unchainedBefore, stop, unchained, notChained: tell, ...steps }
  for await (const one of loosePlaces(reads, loose)) await examine(one)
  return counts
}

/** Whoever removes all of a chain, or its beginning, can say so in its head as retention does. */
function removedOf(heads: ChainHead[]): BrokenPlace[] {
  const removed = heads.filter((head) => head.kept_seq > NO_SEQ)
  return removed.map(({ entity, entity_id: entityId, kept_seq: seq }) => {
    return { entity, entityId, seq, auditId: null, what: 'removed' }
  })
}

/** Chains that are short together; a long one by itself. */
async function* batches(
  reads: AuditReads,
  { of, stop }: Pick<VerifyWhat, 'of' | 'stop'>,
  from: VerifiedUpTo | null,
): AsyncGenerator<ChainHead[]> {
  // All of them have been looked at, and what stands outside of them is under way.
  if (from !== null && from.part !== 'chains') return
  if (of?.id !== undefined) {
    const head = await readHead(reads.scan, { entity: of.entity, id: of.id })
    if (head) yield [head]
    return
  }
  const kinds = of ? [of.entity] : await readKinds(reads)
  // In the database's own order. What is not there any more is begun with anew.
  for (const kind of kinds.slice(Math.max(0, from === null ? 0 : kinds.indexOf(from.entity)))) {
    const after = from?.entity === kind ? from.after : ''
    for await (const heads of headPages(reads, kind, stop, after)) yield* together(heads)
  }
}

const linksOf = (heads: ChainHead[]): number =>
  heads.reduce((links, head) => links + Math.max(1, head.last_seq - head.kept_seq), 0)

function* together(heads: ChainHead[]): Generator<ChainHead[]> {
  let batch: ChainHead[] = []
  let links = 0
  for (const head of heads) {
    const more = head.last_seq - head.kept_seq
    if (batch.length > 0 && links + more > LINKS_AT_ONCE) {
      yield batch
      batch = []
      links = 0
    }
    batch.push(head)
    links += more
  }
  if (batch.length > 0) yield batch
}

/** Null: not all of them are whole at first sight, and each has to be looked at by itself. */
async function examineTogether(reads: AuditReads, heads: ChainHead[]): Promise<Counts | null> {
  const [first] = heads
  if (!first || first.last_seq - first.kept_seq > LINKS_AT_ONCE) return null
  const chains = await readChains(
    reads,
    first.entity,
    heads.map((head) => head.entity_id),
  )
  if (chains === null) return null
  const counts = { chains: heads.length, entries: 0, erased: 0 }
  let isWhole = true
  for (const head of heads) {
    const check = chainCheck(head, () => {
      isWhole = false
    })
    for (const link of chains.get(head.entity_id) ?? []) if (link.seq <= head.last_seq) check.link(link)
    const { entries, erased } = check.end()
    counts.entries += entries
    counts.erased += erased
  }
  return isWhole ? counts : null
}

type Examined = Counts & { places: BrokenPlace[] }

/** What is found twice, one time after the other, is so. */
async function examineChain(reads: AuditReads, of: OfEntity): Promise<Examined> {
  let before: string | null = null
  for (let look = 1; ; look += 1) {
    const examined = await examineOnce(reads, of)
    const seen = JSON.stringify(examined.places)
    if (examined.places.length === 0 || seen === before || look === MAX_LOOKS) return examined
    before = seen
  }
}

/** The last place is read before the head is: what is committed in between stands behind neither. */
async function examineOnce(reads: AuditReads, of: OfEntity): Promise<Examined> {
  const places: BrokenPlace[] = []
  const found = (seq: number, what: BrokenPlace['what']): void => {
    if (places.length < MAX_PLACES) places.push({ entity: of.entity, entityId: of.id, seq, auditId: null, what })
  }
  const last = await lastSeq(reads, of)
  const head = await readHead(reads.scan, of)
  if (head === null) {
    if (last > 0) found(last, 'no-head')
    return { chains: 0, entries: 0, erased: 0, places }
  }
  const check = chainCheck(head, found)
  let after = Number.MIN_SAFE_INTEGER
  for (;;) {
    const links = await readLinks(reads, { ...of, after, upTo: head.last_seq })
    for (const link of links) check.link(link)
    after = links.at(-1)?.seq ?? after
    if (links.length < LINKS_AT_ONCE) break
  }
  const counted = check.end()
  if (last > head.last_seq) found(last, 'beyond-head')
  return { chains: 1, ...counted, places }
}

import type { ChainFault } from '../../ports/audit-trail.ts'
import { chainHash, contentHash, type HashedEntry } from './audit-hash.ts'

/** What is left of an entry whose data was erased; in place of the address, too. */
export const ERASED_EVENT = JSON.stringify({ erased: true })
export const ERASED_ADDRESS = '-'
export const ERASURE = 'history-erased'

export type ChainHead = {
  entity: string
  entity_id: string
  last_seq: number
  last_hash: string
  kept_seq: number
  kept_hash: string
}
/** A place in a chain, with its entry as user_audit has it; null: that is not there. */
export type ChainLink = {
  seq: number
  audit_id: number
  client: string | null
  before_json: string | null
  salt: string | null
  content_hash: string
  chain_hash: string
  entry: Omit<HashedEntry, 'seq' | 'client' | 'before_json'> | null
}
type Found = (seq: number, what: ChainFault) => void

/** Looks at one chain, place by place in ascending order, and says what is wrong with it. Needs no more than one at a time. */
export function chainCheck(head: ChainHead, found: Found) {
  let expected = head.kept_seq + 1
  // Null: what stood here is missing, so nothing is known of the next one's hash.
  let previous: string | null = head.kept_hash
  let entries = 0
  const erasures = erasureCheck(found)
  return {
    /** Those above the head's `last_seq` are not for here: they were added since it was read, or it is not theirs. */
    link(link: ChainLink): void {
      entries += 1
      if (link.seq < expected) {
        found(link.seq, 'out-of-place')
        return
      }
      if (link.seq > expected) {
        found(expected, 'missing')
        previous = null
      }
      expected = link.seq + 1
      for (const what of faultsOf(head, link, previous)) found(link.seq, what)
      erasures.seen(link)
      previous = link.chain_hash
    },
    end(): { entries: number; erased: number } {
      if (expected <= head.last_seq) found(expected, 'newest-missing')
      else if (previous !== head.last_hash) found(head.last_seq, 'head-differs')
      return { entries, erased: erasures.end() }
    },
  }
}

function faultsOf(head: ChainHead, link: ChainLink, previous: string | null): ChainFault[] {
  const { seq, client, entry, before_json, content_hash: content, chain_hash: hash } = link
  if (entry === null) return ['entry-missing']
  if (entry.entity !== head.entity || entry.entity_id !== head.entity_id) return ['of-another']
  const saysSo = isErased(link) ? isBare(link) : contentHash(link.salt ?? '', { ...entry, before_json }) === content
  const follows = previous === null || chainHash(previous, content, { ...entry, seq, client }) === hash
  return [...(saysSo ? [] : ['content-differs' as const]), ...(follows ? [] : ['hash-differs' as const])]
}

const isErased = ({ salt }: ChainLink): boolean => salt === null

function isBare({ before_json: before, entry }: ChainLink): boolean {
  return before === null && entry?.event === ERASED_EVENT && entry.address === ERASED_ADDRESS
}

/** Whoever erases says so in the same chain, behind what is erased: anything else has only been destroyed. */
function erasureCheck(found: Found) {
  let erased = 0
  let lastErased = 0
  let saidUpTo = 0
  return {
    seen(link: ChainLink): void {
      if (isErased(link)) {
        erased += 1
        lastErased = link.seq
      } else if (link.entry?.event_type === ERASURE) {
        saidUpTo = Math.max(saidUpTo, Math.min(upToOf(link.entry.event), link.seq - 1))
      }
    },
    end(): number {
      if (lastErased > saidUpTo) found(lastErased, 'erased-unsaid')
      return erased
    },
  }
}

function upToOf(event: string): number {
  try {
    const { upTo } = JSON.parse(event) ?? {}
    return typeof upTo === 'number' ? upTo : 0
  } catch {
    return 0
  }
}

import { createHash, randomBytes } from 'node:crypto'

/** An entry as the tables hold it, all that its hashes are made of. */
export type HashedEntry = {
  seq: number
  entity: string
  entity_id: string
  event_type: string
  event: string
  before_json: string | null
  actor: string
  client: string | null
  request_id: string
  address: string
  recorded_at: string
}

/** What a chain begins after. */
export const NO_SEQ = 0
export const NO_HASH = '0'.repeat(64)

const SALT_BYTES = 16
/** With it gone nobody finds out, by trying, what an erased entry said. */
export const newSalt = (): string => randomBytes(SALT_BYTES).toString('hex')

/** Of what may be erased: of the entry's place in the chain only this is left then. */
export function contentHash(
  salt: string,
  { event, before_json: before, address }: Pick<HashedEntry, 'event' | 'before_json' | 'address'>,
): string {
  return sha256([salt, event, before, address])
}

/** Of what stays, and of the entry before: whoever changes one has to change all that follow. */
export function chainHash(
  previous: string,
  content: string,
  entry: Omit<HashedEntry, 'event' | 'before_json'>,
): string {
  const { seq, entity, entity_id: entityId, event_type: type, actor, client, request_id: requestId } = entry
  return sha256([previous, seq, entity, entityId, type, actor, client, requestId, entry.recorded_at, content])
}

/** Over lists of parts, one after the other, in lines. */
export function hashOfMany() {
  const hash = createHash('sha256')
  return {
    add: (parts: (string | number)[]): void => void hash.update(`${JSON.stringify(parts)}\n`),
    digest: (): string => hash.digest('hex'),
  }
}

/** JSON, because no two lists have the same: where one part ends and the next begins cannot be moved. */
function sha256(parts: (string | number | null)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

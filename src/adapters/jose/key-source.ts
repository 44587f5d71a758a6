import type { JWK } from 'jose'
import type { Authenticator } from '../../ports/authentication.ts'
import { choose, type Key, keySetOf, type TokenHeader } from './key-set.ts'
import { refused } from './refusal.ts'

/** Where keys come from. */
export type KeySource = {
  /** The key that a token may be verified with. Throws `token-invalid`, `issuer-unavailable`. */
  keyFor(header: TokenHeader): Promise<Key>
  /** Whether it is still one of the issuer's. */
  isCurrent(key: Key): boolean
  state: Authenticator['state']
  stop(): void
}

/** One key, for ever. */
export async function ownKey(jwk: JWK, algorithm: string): Promise<KeySource> {
  const set = await keySetOf({ keys: [jwk] }, [algorithm])
  if (set?.keys.size !== 1) throw new Error('the development key is none')
  return {
    keyFor: async (header) => {
      const { key } = choose(set.keys, header)
      if (key === undefined) throw refused('signature')
      return key
    },
    isCurrent: () => true,
    state: () => ({ ready: true, keysAgeMs: null, failing: false }),
    stop: () => undefined,
  }
}

import { BlockList, isIPv6 } from 'node:net'
import { LRUCache } from 'lru-cache'
import type { Principal, Scope } from '../../domain/principal.ts'
import type { ProxiedIdentity } from '../../ports/authentication.ts'
import { isName, scopeSet } from './principals.ts'

type Options = { identity: { header: string; proxies: readonly string[]; scopes: readonly Scope[] } | null }

const MAX_IDENTITIES = 10_000
/** No token's caller has a key that begins so: theirs begin with a client, or have one such character. */
const KEY_MARK = '\u0000\u0000'

/** Null: there is no such proxy. */
export function proxiedIdentity({ identity }: Options): ProxiedIdentity | null {
  if (identity === null) return null
  const { header, proxies } = identity
  const scopes = scopeSet(identity.scopes)
  const known = new LRUCache<string, Principal>({ max: MAX_IDENTITIES })
  return {
    header,
    isFrom: among(proxies),
    principal(value) {
      if (!isName(value)) return undefined
      const same = known.get(value)
      if (same) return same
      // The header in place of a client: in the audit, and to whom a key of a command belongs, it is nobody with a token.
      const who = { key: KEY_MARK + value, subject: value, client: header }
      const principal = { ...who, scopes, branches: null, userId: null }
      known.set(value, Object.freeze(principal))
      return principal
    },
  }
}

/** `blocks`: addresses and CIDR blocks. Node takes an IPv4 address for the same when it is written as an IPv6 one. */
function among(blocks: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const block of blocks) {
    const [address = '', bits] = block.split('/')
    if (bits === undefined) list.addAddress(address, familyOf(address))
    else list.addSubnet(address, Number(bits), familyOf(address))
  }
  return (address) => list.check(address, familyOf(address))
}

const familyOf = (address: string) => (isIPv6(address) ? 'ipv6' : 'ipv4')

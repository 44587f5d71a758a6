import type { IncomingMessage } from 'node:http'
import type { ProxiedIdentity } from '../../ports/authentication.ts'
import { type Peer, peerOf } from './peer.ts'

type Options = {
  /** By which a proxy of ours says who its client is. Null: it is not set. */
  identity: Pick<ProxiedIdentity, 'header' | 'isFrom'> | null
  /** Whose tokens, and for whom, are this service's own. Null: the legacy application is to see them as well. */
  tokens: TokensOf | null
}
export type TokensOf = { issuer: string; audience: string }
/** Whether the legacy application is not to see this line of a request. `name`: in lower case. */
export type Withheld = (name: string, value: string, peer: Peer) => boolean

/**
 * Lines that say who asks, and are between the client and us. A token for this service is good here only (its audience says
 * so): whoever else has it, in their logs perhaps, could ask us in its owner's name until it expires. And whom a proxy of
 * ours may name, a stranger must not name to an application that believes us.
 */
export function withholding({ identity, tokens }: Options): Withheld {
  return (name, value, peer) => {
    if (name === 'authorization') return tokens !== null && isFor(tokens, value)
    return name === identity?.header && !identity.isFrom(peer.address)
  }
}

/**
 * Whether a request shows who asks in one of our ways, be it true or not. Whoever does not is the legacy application's caller,
 * and none who has failed to show it: nothing is looked up for them, nor are they counted.
 */
export function showing({ identity, tokens }: Options & { tokens: TokensOf }) {
  return (request: Pick<IncomingMessage, 'headers' | 'socket'>): boolean => {
    const { authorization, ...others } = request.headers
    if (authorization !== undefined) return isFor(tokens, authorization)
    return identity !== null && identity.header in others && identity.isFrom(peerOf(request).address)
  }
}

/**
 * By what it says of itself: of a token's three parts the second are the claims. Whatever stands before it, a scheme of any name
 * or none, and other tokens. Nothing is verified: one that is not good for us is nobody else's loss.
 */
function isFor(tokens: TokensOf, authorization: string): boolean {
  return authorization
    .split('.')
    .slice(1, -1)
    .some((claims) => areFor(tokens, claims))
}

function areFor({ issuer, audience }: TokensOf, part: string): boolean {
  const claims = parsed(Buffer.from(part, 'base64url').toString())
  if (typeof claims !== 'object' || claims === null) return false
  const { iss, aud } = claims as { iss?: unknown; aud?: unknown }
  return iss === issuer && [aud].flat().includes(audience)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

import { BlockList, isIPv6 } from 'node:net'
import type { Peer } from './peer.ts'

/** The values that came, lines of one name joined; empty when there were none. */
export type ForwardedHeaders = { for: string; host: string; proto: string; port: string; forwarded: string }

/** In lower case, and each a variable of its own to a WSGI application. */
export const FORWARDING: ReadonlyMap<string, keyof ForwardedHeaders> = new Map([
  ['x-forwarded-for', 'for'],
  ['x-forwarded-host', 'host'],
  ['x-forwarded-proto', 'proto'],
  ['x-forwarded-port', 'port'],
  ['forwarded', 'forwarded'],
] as const)

/**
 * What else applications and their servers believe of how they were asked (gunicorn of X-Forwarded-Ssl and -Protocol,
 * others of a prefix, a user, another URL). An ingress may say it; a stranger must not.
 */
export const BELIEVED: ReadonlySet<string> = new Set([
  ...['x-forwarded-ssl', 'x-forwarded-protocol', 'x-forwarded-scheme', 'x-forwarded-prefix', 'x-forwarded-server'],
  ...['x-forwarded-path', 'x-forwarded-user', 'front-end-https', 'x-real-ip', 'x-url-scheme'],
  ...['x-original-url', 'x-rewrite-url'],
])

/**
 * Who asked, and how, for the legacy application, which sees us alone. What a trusted proxy says is kept and we say who
 * that was; of anybody else's nothing is believed.
 */
export function forwarding(trustedProxies: string[]) {
  const isTrusted = trust(trustedProxies)
  /** Answers raw headers. */
  const headers = (given: ForwardedHeaders, peer: Peer, host: string): string[] => {
    const trusted = isTrusted(peer.address)
    const address = plain(peer.address)
    const proto = (trusted && given.proto) || (peer.isEncrypted ? 'https' : 'http')
    const asked = (trusted && given.host) || host
    const port = (trusted && given.port) || portOf(asked) || (proto === 'https' ? '443' : '80')
    const element = `for=${quoted(nodeOf(address))};host=${quoted(host)};proto=${peer.isEncrypted ? 'https' : 'http'}`
    const before = !trusted ? '' : given.forwarded || chainOf(given.for, asked, proto)
    return [
      ...['X-Forwarded-For', trusted && given.for !== '' ? `${given.for}, ${address}` : address],
      ...['X-Forwarded-Host', asked, 'X-Forwarded-Proto', proto, 'X-Forwarded-Port', port],
      ...['Forwarded', before === '' ? element : `${before}, ${element}`],
    ]
  }
  return { headers, isTrusted: ({ address }: Peer): boolean => isTrusted(address) }
}

/** The same in the words of RFC 7239, where a proxy says it in the older ones only: else the two would contradict each other. */
function chainOf(chain: string, host: string, proto: string): string {
  const nodes = chain.split(',').flatMap((node) => node.trim().replaceAll(/["\\]/g, '') || [])
  const details = `;host=${quoted(host)};proto=${proto}`
  return nodes.map((node, i) => `for=${quoted(nodeOf(node))}${i === 0 ? details : ''}`).join(', ')
}

function trust(trustedProxies: string[]): (address: string) => boolean {
  if (trustedProxies.length === 0) return () => false
  const list = new BlockList()
  for (const proxy of trustedProxies) {
    const [address = '', bits] = proxy.split('/')
    const family = familyOf(address)
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return (address) => list.check(plain(address), familyOf(plain(address)))
}

const familyOf = (address: string) => (isIPv6(address) ? 'ipv6' : 'ipv4')

/** A socket that listens on IPv6 as well gives IPv4 addresses in another form. */
function plain(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address
}

/** RFC 7239 section 6: IPv6 addresses stand in brackets. */
function nodeOf(address: string): string {
  return address.includes(':') ? `[${address}]` : address
}

const TOKEN = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/

/** RFC 7239 section 4: what is no token is quoted. Hosts and addresses hold nothing that would end the quotes. */
function quoted(text: string): string {
  return TOKEN.test(text) ? text : `"${text}"`
}

function portOf(host: string): string {
  return /:(\d+)$/.exec(host)?.[1] ?? ''
}

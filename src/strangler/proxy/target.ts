import { Refusal } from '../../wire/problem.ts'

/** `path`: what the legacy application is asked for. `authority`: what Host becomes; null: as it came. */
export type Target = { path: string; authority: string | null }

/**
 * Which target the legacy application is asked for, byte for byte as it came, beneath the path of its base URL (RFC 9112
 * section 3.2). It never says where: host and port are always those of the base URL. Throws Refusal.
 */
export function targetOf(method: string, target: string, prefix: string): Target {
  if (target === '*') {
    if (method !== 'OPTIONS') throw refused('Only OPTIONS is asked of *.')
    return { path: '*', authority: null }
  }
  const { path, authority } = target.startsWith('/') ? { path: target, authority: null } : absolute(method, target)
  if (!PASSABLE.test(path)) throw refused('The target holds characters that no URL may have.')
  if (prefix !== '' && path !== '*' && leaves(path)) throw refused('The path holds segments of dots.')
  return { path: path === '*' ? path : prefix + path, authority }
}

/** What Node's client takes; more than RFC 3986 allows, since clients send it and the legacy application takes it. */
const PASSABLE = /^[\x21-\x7e\x80-\xff]+$/
// Nobody has a user in it: what stands before an @ is a way to hide the host.
const ABSOLUTE = /^https?:\/\/([^/?#@\\]+)(.*)$/i

function absolute(method: string, target: string): Target {
  const [, authority, rest = ''] = ABSOLUTE.exec(target) ?? []
  if (authority === undefined || !isHost(authority)) throw refused('The target is none that is taken here.')
  if (rest.startsWith('/')) return { path: rest, authority }
  if (rest !== '' && !rest.startsWith('?')) throw refused('The target is none that is taken here.')
  // RFC 9112 section 3.2.4.
  if (rest === '' && method === 'OPTIONS') return { path: '*', authority }
  return { path: `/${rest}`, authority }
}

const HOST = /^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(?::\d{0,5})?$/

/** RFC 9110 section 7.2: a host and perhaps a port; may be empty. */
export function isHost(text: string): boolean {
  return HOST.test(text)
}

/** Somebody may decode an encoded percent sign again. */
const MAX_DECODINGS = 3

/** Whether a path, read in any way that servers are known to read them, has a segment that goes up, or stays. */
function leaves(target: string): boolean {
  let [path = ''] = target.split('?', 1)
  for (let i = 0; i < MAX_DECODINGS; i += 1) path = path.replaceAll(/%25/g, '%')
  return path
    .replaceAll(/%2e/gi, '.')
    .split(/\/|\\|%2f|%5c/i)
    .some((segment) => /^\.{1,2}(?:;|$)/.test(segment))
}

function refused(detail: string): Refusal {
  return new Refusal(400, 'invalid-request', detail)
}

/** Header lines as Node gives and takes them: name, value, name, value; in the order, case and number in which they came. */
export type RawHeaders = string[]

/**
 * Meant for one connection only (RFC 9110 section 7.6.1, RFC 2616 section 13.5.1): those of ours to the legacy
 * application are not those of the client to us.
 */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authorization'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade'],
])

/** What Connection must not take away, whatever it names: without them a message means something else. */
const NEVER_NAMED: ReadonlySet<string> = new Set(['content-length', 'host'])
const NONE: ReadonlySet<string> = new Set()
const USUAL_CONNECTION = /^(?:close|keep-alive)$/i

/** The further hop-by-hop headers that a message's own Connection names, in lower case. */
export function namedByConnection(connection: string): ReadonlySet<string> {
  if (connection === '' || USUAL_CONNECTION.test(connection)) return NONE
  return new Set(tokensOf(connection).filter((name) => !NEVER_NAMED.has(name)))
}

/** The elements of a list (RFC 9110 section 5.6.1), in lower case. */
export function tokensOf(list: string): string[] {
  return list
    .toLowerCase()
    .split(',')
    .map((token) => token.trim())
    .filter((token) => token !== '')
}

/** All lines of a name, which is in lower case, as one value; empty when there are none. */
export function valuesOf(raw: RawHeaders, name: string): string {
  let value = ''
  for (let i = 0; i < raw.length; i += 2) {
    const [given = '', line = ''] = [raw[i], raw[i + 1]]
    if (given.length === name.length && given.toLowerCase() === name) value = value === '' ? line : `${value}, ${line}`
  }
  return value
}

const BEYOND_ASCII = /[^\x00-\x7f]/

/**
 * Node decodes a Content-Disposition that comes after Content-Length as if it were UTF-8, and so changes its bytes or
 * throws: one with bytes beyond ASCII goes before it. Changes `raw`.
 */
export function keepDispositionBytes(raw: RawHeaders): RawHeaders {
  let length = -1
  for (let i = 0; i < raw.length; i += 2) {
    const { length: letters } = raw[i] ?? ''
    if (letters === 'content-length'.length && raw[i]?.toLowerCase() === 'content-length') length = i
    if (length < 0 || letters !== 'content-disposition'.length) continue
    if (raw[i]?.toLowerCase() !== 'content-disposition' || !BEYOND_ASCII.test(raw[i + 1] ?? '')) continue
    raw.splice(length, 0, ...raw.splice(i, 2))
    length += 2
  }
  return raw
}

import { z } from 'zod'

const FORM = 'redis://…, rediss://…, redis-cluster://host:port,host:port, or redis-sentinel://host:port,host:port/name'
const HOST = /^(\[[0-9a-fA-F:.]+\]|[\w.-]+)(:(\d{1,5}))?$/
const MAX_PORT = 65_535
/** As `sentinel monitor` takes it. */
const NAME = /^[\w.-]+$/
const OPTIONS = ['sentinelUsername', 'sentinelPassword']

/** A URL of a Redis, of a cluster, or of the Sentinels that know where a master is. */
export const redisUrl = (description: string) =>
  z
    .string()
    .regex(/^rediss?(-cluster|-sentinel)?:\/\/\S+$/, FORM)
    .superRefine((url, context) => {
      const fault = /^rediss?-sentinel:/.test(url) ? sentinelFault(url.split('://', 2)[1] ?? '') : null
      if (fault !== null) context.addIssue({ code: 'custom', message: fault })
    })
    .optional()
    .describe(description)

/** What is wrong with what comes after `redis-sentinel://`; null: nothing. The text itself may hold passwords. */
function sentinelFault(rest: string): string | null {
  const [beforeQuery = '', query = '', ...more] = rest.split('?')
  const slash = beforeQuery.lastIndexOf('/')
  const at = beforeQuery.lastIndexOf('@')
  if (slash <= at) return 'redis-sentinel://host:port,host:port/name: the name of the master is missing'
  const addresses = beforeQuery.slice(at + 1, slash).split(',')
  if (!addresses.every(isAddress)) return 'redis-sentinel://host:port,host:port/name: host:port of each Sentinel'
  if (!NAME.test(beforeQuery.slice(slash + 1))) return 'the name of a master has letters, digits and .-_ only'
  if (!isDecodable(beforeQuery.slice(0, Math.max(at, 0)))) return 'user and password are written with % as in any URL'
  const options = query === '' ? [] : query.split('&')
  const isKnown = options.every((option) => OPTIONS.includes(option.split('=', 1)[0] ?? ''))
  if (!isKnown || more.length > 0) return `after ? only ${OPTIONS.join(' and ')}`
  return isDecodable(query) ? null : `${OPTIONS.join(' and ')} are written with % as in any URL`
}

function isAddress(address: string): boolean {
  const [, , , port = '1'] = HOST.exec(address) ?? [null, null, null, '0']
  return Number(port) >= 1 && Number(port) <= MAX_PORT
}

function isDecodable(text: string): boolean {
  try {
    return !/[/\s#]/.test(text) && decodeURIComponent(text) !== null
  } catch {
    return false
  }
}

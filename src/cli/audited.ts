import { hostname, userInfo } from 'node:os'
import { InvalidArgumentError } from 'commander'

const MAX_NAME = 128
const MAX_ADDRESS = 64
/** As the API takes it. */
const MAX_REASON = 255

/** For the audit: who is at this terminal, and where. `name`: who says so themselves. */
export const whoever = (name = `cli:${loginName()}`) => ({
  name: name.slice(0, MAX_NAME),
  client: null,
  requestId: '',
  address: hostname().slice(0, MAX_ADDRESS),
})

/** A platform that draws the user of a container knows only a number. */
function loginName(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? 'somebody')
  }
}

export function reasonOf(text: string): string {
  if (!isLine(text, MAX_REASON)) throw new InvalidArgumentError(`It is one line of 1 to ${MAX_REASON} characters.`)
  return text
}

/** As a token's subject is. */
export function nameOf(text: string): string {
  if (!isLine(text, MAX_NAME) || !/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(text))
    throw new InvalidArgumentError(`It is one line of 1 to ${MAX_NAME} letters, digits and punctuation.`)
  return text
}

function isLine(text: string, maxLength: number): boolean {
  return text.trim() !== '' && [...text].length <= maxLength && !/\p{Cc}/u.test(text)
}

import { InvalidArgumentError } from 'commander'

const MAX_USERS = 10_000_000

/** A number of users from the command line. */
export function wholeNumber(text: string): number {
  const number = Number(text)
  if (!Number.isInteger(number) || number < 1 || number > MAX_USERS) {
    throw new InvalidArgumentError(`It must be a whole number, 1 to ${MAX_USERS}.`)
  }
  return number
}

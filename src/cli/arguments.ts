import { InvalidArgumentError } from 'commander'

const MAX_USERS = 10_000_000

/** A number of users from the command line. */
export function wholeNumber(text: string): number {
  return wholeBetween(1, MAX_USERS)(text)
}

/** How to read a whole number within these bounds. */
export function wholeBetween(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = Number(text)
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(number) || number < min || number > max) {
      throw new InvalidArgumentError(`It must be a whole number, ${min} to ${max}.`)
    }
    return number
  }
}

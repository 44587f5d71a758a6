import { DomainError } from './errors.ts'

export type LimitUnit = 'percent' | 'cents' | 'count'
export type LimitRule = { unit: LimitUnit; min: number; max: number; title: string }

const MAX_CENTS = 100_000_000

/**
 * The limits that a person can have, with unit and range (both ends allowed). Money is in integer cents, percentages are
 * whole. A limit that is not set means "none": the till decides what that means for it, we never invent a default.
 */
export const LIMITS = {
  'discount-percent': { unit: 'percent', min: 0, max: 100, title: 'Highest discount given without asking' },
  'price-override-percent': { unit: 'percent', min: 0, max: 100, title: 'Highest change of a price by hand' },
  'refund-amount': { unit: 'cents', min: 0, max: MAX_CENTS, title: 'Highest single refund' },
  'void-amount': { unit: 'cents', min: 0, max: MAX_CENTS, title: 'Highest receipt that may be voided' },
  'credit-override': { unit: 'cents', min: 0, max: MAX_CENTS, title: 'Highest excess over a customer’s credit line' },
  'cash-drop': { unit: 'cents', min: 0, max: MAX_CENTS, title: 'Highest amount taken from the drawer' },
  'open-receipts': { unit: 'count', min: 0, max: 99, title: 'Receipts parked at the same time' },
} as const satisfies Record<string, LimitRule>

export type LimitName = keyof typeof LIMITS
export const LIMIT_NAMES = Object.keys(LIMITS) as LimitName[]

export function isLimitName(name: string): name is LimitName {
  return Object.hasOwn(LIMITS, name)
}

/** Refuses what is no limit. */
export function knownLimit(name: string): LimitName {
  if (!isLimitName(name)) throw new DomainError('limit-unknown', `There is no limit "${name}".`, '/limit')
  return name
}

/** Refuses unless `value` is a whole number within the limit's range. */
export function checkLimit(text: string, value: number): LimitName {
  const name = knownLimit(text)
  const { min, max, unit } = LIMITS[name]
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new DomainError(
      'limit-out-of-range',
      `${name} must be a whole number of ${unit}, ${min} to ${max}.`,
      '/value',
    )
  }
  return name
}

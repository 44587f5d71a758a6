import type { FullUserBody } from './user.ts'

/** A user as the legacy application shows them. It has never told an empty text from none. */
export type LegacyUser = {
  id: number
  username: string
  first_name: string
  last_name: string
  email: string
  phone: string
  title: string
  is_active: boolean
  home_branch: string | null
  branches: string[]
  updated: string
}

export function legacyUser(user: FullUserBody): LegacyUser {
  return {
    id: user.userId,
    username: user.username,
    first_name: user.givenName,
    last_name: user.familyName,
    email: user.email ?? '',
    phone: user.phone ?? '',
    title: user.jobTitle ?? '',
    is_active: user.status === 'active',
    home_branch: user.homeBranchId,
    branches: user.branches,
    updated: legacyTime(user.updatedAt),
  }
}

/** Microseconds, and none of them when they are all zero: as Python writes a time. `time`: UTC, with milliseconds. */
export function legacyTime(time: string): string {
  return time.replace(/\.(\d{3})Z$/, (_, fraction) => (fraction === '000' ? 'Z' : `.${fraction}000Z`))
}

/** What the legacy application says with every answer: its pages were never to be kept by anybody. */
export const LEGACY_HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' } as const
/** Of these headers a native answer must have the same ones. */
export const LEGACY_HEADERS_COMPARED = ['content-type', 'cache-control'] as const
export const LEGACY_NOT_FOUND = { detail: 'Not found.' } as const

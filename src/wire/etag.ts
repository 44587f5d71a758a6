/** Names one database history and one shape of bodies; part of every entity tag. */
export type TagBase = { epoch: string; schema: number }

/** What a tag is of: `u` a user, `n` a user without what is personal, `p` effective permissions, `r` the role catalogue. */
export type EtagVariant = 'u' | 'n' | 'p' | 'r'
/** All of these name a version of a user, and If-Match of a command takes them all. */
export const USER_VARIANTS: EtagVariant[] = ['u', 'n', 'p']

/** `"<epoch>.<schema>.<variant>.<version>[.<rolesVersion>]"`. */
export function etag({ epoch, schema }: TagBase, variant: EtagVariant, version: number, rolesVersion?: number): string {
  const roles = rolesVersion === undefined ? '' : `.${rolesVersion}`
  return `"${epoch}.${schema}.${variant}.${version}${roles}"`
}

/** Of a user, as this caller sees them. Two representations at one version have two tags (RFC 9110 section 8.8.3). */
export function userEtag(base: TagBase, seesPersonal: boolean, version: number): string {
  return etag(base, seesPersonal ? 'u' : 'n', version)
}

/** If-None-Match: weak comparison (RFC 9110 section 13.1.2). True when the answer must be sent. */
export function noneMatch(header: string | undefined, current: string): boolean {
  if (header === undefined) return true
  if (header === current || header.trim() === '*') return false
  return !header.split(',').some((tag) => tag.trim().replace(/^W\//, '') === current)
}

/**
 * If-Match: the versions that the caller would take; null when any will do (no header, or `*`). A weak tag (RFC 9110
 * section 13.1.1 wants the strong comparison), one of another database history, and one that is not ours never match.
 */
export function expectedVersions(
  header: string | undefined,
  { epoch }: TagBase,
  variants: EtagVariant[],
): number[] | null {
  if (header === undefined || header.trim() === '*') return null
  return header.split(',').flatMap((tag) => {
    const match = /^"([^".]+)\.\d{1,9}\.([a-z])\.(\d{1,16})(\.\d{1,16})?"$/.exec(tag.trim())
    return match?.[1] === epoch && variants.some((variant) => variant === match[2]) ? Number(match[3]) : []
  })
}

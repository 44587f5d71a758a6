/**
 * A user as clients get them, as bytes: `full` with what is personal (wire/user.ts), `bare` the same without it. Both are
 * of one version, and both are empty when there is no such user.
 */
export type Bodies = { full: Buffer; bare: Buffer }

export const NOBODY: Bodies = { full: Buffer.alloc(0), bare: Buffer.alloc(0) }

export function isNobody({ full }: Bodies): boolean {
  return full.length === 0
}

/**
 * Null where both do not belong together: one is missing, or only one says that there is nobody. Neither is served then,
 * and never one in the place of the other. The scripts that write an entry go by the same (apply-n.lua, lease-3.lua).
 */
export function storedBodies(full: Buffer | null | undefined, bare: Buffer | null | undefined): Bodies | null {
  if (!full || !bare || (full.length === 0) !== (bare.length === 0)) return null
  return { full, bare }
}

export function bodyFor({ full, bare }: Bodies, seesPersonal: boolean): Buffer {
  return seesPersonal ? full : bare
}

import type { Contract } from './memory.ts'

export type Row = ReturnType<typeof rowOf>

const NOWHERE = { self: { href: '' } }
const AT = '2026-11-28T10:00:00Z'

/** A contract, and whether `by`, a version of its provider's, keeps it; `by` is undefined where none is deployed. */
export function rowOf({ consumer, version, provider }: Contract, by: string | undefined, success: boolean | null) {
  const party = (name: string, number: string | undefined) => ({
    ...{ name, _links: NOWHERE },
    version: number === undefined ? null : { number, _links: NOWHERE },
  })
  return {
    ...{ consumer: party(consumer, version), provider: party(provider, by) },
    pact: { createdAt: AT, _links: NOWHERE },
    verificationResult: success === null ? null : { success, verifiedAt: AT, _links: NOWHERE },
  }
}

/** What is not known is no failure, and is no success. */
export function summaryOf(rows: Row[]) {
  const count = (of: boolean | null) => rows.filter((row) => (row.verificationResult?.success ?? null) === of).length
  const [success, failed, unknown] = [count(true), count(false), count(null)]
  const deployable = unknown > 0 ? null : failed === 0
  const reason = deployable ? 'All required results are there.' : `${failed} failed, ${unknown} are not known.`
  return {
    summary: { deployable, reason, success, failed, unknown },
    notices: [{ type: deployable ? 'success' : 'error', text: reason }],
  }
}

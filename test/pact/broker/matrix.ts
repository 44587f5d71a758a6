import type { Contract } from './memory.ts'

type Row = ReturnType<typeof rowOf>

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
  const yes =
    rows.length > 0
      ? 'All required verification results are published and successful'
      : 'There are no missing dependencies'
  return concluded(
    { deployable, success, failed, unknown },
    deployable ? yes : `${failed} failed, ${unknown} are not known.`,
  )
}

/** In a broker's words, as in `lib/pact_broker/matrix/resolved_selector.rb` of https://github.com/pact-foundation/pact_broker. */
export function noVersion({ name, version }: { name: string; version: string }) {
  const reason = `No pacts or verifications have been published for version ${version} of ${name}`
  return concluded({ deployable: false, success: 0, failed: 0, unknown: 0 }, reason)
}

type Counts = { deployable: boolean | null; success: number; failed: number; unknown: number }

function concluded(counts: Counts, reason: string) {
  const type = counts.deployable ? 'success' : 'error'
  return { summary: { ...counts, reason }, notices: [{ type, text: reason }] }
}

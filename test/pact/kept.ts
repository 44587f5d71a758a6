import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Pact } from '@pact-foundation/pact'
import { jsonText } from '../../scripts/json-text.ts'

export const CONTRACTS = join(import.meta.dirname, '..', '..', 'contracts')
export const SERVICE = 'users-service'

/** Pact's library reports to its makers that it was used, unless it is told not to; tests talk to nobody. */
process.env.PACT_DO_NOT_TRACK = 'true'

type Parties = { consumer: string; provider: string; folder: 'pacts' | 'consumers' }
type Interaction = { description: string }

/**
 * The contract that the tests of a file make, one interaction each. Its last test is that the file in `contracts/` says the
 * same; with WRITE_PACTS=1 (`npm run pact:write`) that is written instead.
 */
export function keptPact({ consumer, provider, folder }: Parties): Pact {
  const { pact, dir } = temporaryPact({ consumer, provider })
  const kept = join(CONTRACTS, folder, `${consumer}-${provider}.json`)
  // Registered by the last line of each file: tests of a file run in their order.
  keepers.set(pact, () => {
    const [made = ''] = readdirSync(dir)
    const text = textOf(readFileSync(join(dir, made), 'utf8'))
    if (process.env.WRITE_PACTS === '1') writeFileSync(kept, text)
    else assert.equal(text, readFileSync(kept, 'utf8'), `${kept} is another one: npm run pact:write`)
  })
  return pact
}
const keepers = new WeakMap<Pact, () => void>()

export function testThatItIsKept(pact: Pact): void {
  test('the contract that is committed is the one that these tests have made', () => keepers.get(pact)?.())
}

/** For what is tried against Pact's mock server, and is in no contract: it asks nothing of the other side. */
export function temporaryPact({ consumer, provider }: Omit<Parties, 'folder'>) {
  const dir = mkdtempSync(join(tmpdir(), 'users-service-pact-'))
  after(() => rmSync(dir, { recursive: true, force: true }))
  return { pact: new Pact({ consumer, provider, dir, logLevel: 'error' }), dir }
}

/** In one order, and without the versions of Pact's libraries: they say nothing of what is agreed. */
function textOf(written: string): string {
  const { interactions, metadata, ...rest } = JSON.parse(written)
  const ordered = interactions.toSorted((a: Interaction, b: Interaction) => (a.description < b.description ? -1 : 1))
  return jsonText({ ...rest, interactions: ordered, metadata: { pactSpecification: metadata.pactSpecification } })
}

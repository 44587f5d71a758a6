import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { Pact } from '@pact-foundation/pact'
import { jsonText } from '../../scripts/json-text.ts'

export const CONTRACTS = join(import.meta.dirname, '..', '..', 'contracts')
export const SERVICE = 'users-service'

/** Pact's library reports to its makers that it was used, unless it is told not to; tests talk to nobody. */
process.env.PACT_DO_NOT_TRACK = 'true'

type Parties = { consumer: string; provider: string; folder: 'pacts' | 'consumers' }
type Interaction = { description: string }

/**
 * The contract that the tests of a file make, one interaction each. When they have all ended, in whatever order, the file in
 * `contracts/` must say the same; with WRITE_PACTS=1 (`npm run pact:write`) that is written instead.
 */
export function keptPact({ consumer, provider, folder }: Parties): Pact {
  const kept = join(CONTRACTS, folder, `${consumer}-${provider}.json`)
  const compare = (dir: string) => {
    const [made = ''] = readdirSync(dir)
    const text = textOf(readFileSync(join(dir, made), 'utf8'))
    if (process.env.WRITE_PACTS === '1') writeFileSync(kept, text)
    else assert.equal(text, readFileSync(kept, 'utf8'), `${kept} is another one: npm run pact:write`)
  }
  return temporaryPact({ consumer, provider }, compare).pact
}

/** For what is tried against Pact's mock server, and is in no contract: it asks nothing of the other side. */
export function temporaryPact({ consumer, provider }: Omit<Parties, 'folder'>, atTheEnd = (_dir: string) => {}) {
  const dir = mkdtempSync(join(tmpdir(), 'users-service-pact-'))
  after(() => {
    try {
      atTheEnd(dir)
    } finally {
      rmSync(dir, { recursive: true, force: true })
    }
  })
  return { pact: new Pact({ consumer, provider, dir, logLevel: 'error' }), dir }
}

/** In one order, and without the versions of Pact's libraries: they say nothing of what is agreed. */
function textOf(written: string): string {
  const { interactions, metadata, ...rest } = JSON.parse(written)
  const ordered = interactions.toSorted((a: Interaction, b: Interaction) => (a.description < b.description ? -1 : 1))
  return jsonText({ ...rest, interactions: ordered, metadata: { pactSpecification: metadata.pactSpecification } })
}

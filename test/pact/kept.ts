import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, test as nodeTest, type TestContext } from 'node:test'
import { Pact } from '@pact-foundation/pact'
import { jsonText } from '../../scripts/json-text.ts'

/** Its name, to Pact. */
export { SERVICE } from '../../scripts/pact/broker.ts'

export const CONTRACTS = join(import.meta.dirname, '..', '..', 'contracts')

/** Pact's library reports to its makers that it was used, unless it is told not to; tests talk to nobody. */
process.env.PACT_DO_NOT_TRACK = 'true'

type Parties = { consumer: string; provider: string }
type Interaction = { description: string }
/** As `test` of node:test, without options: a test of a contract is left out by nobody. */
type Test = (name: string, body: (t: TestContext) => Promise<void>) => void

/**
 * The contract that the tests of a file make, one interaction each, by this `test`. When all of them have passed, in
 * whatever order, the file in `folder`, from `contracts/`, must say the same; with WRITE_PACTS=1 (`npm run pact:write`) that
 * is written instead. After some of them only, nothing is compared, and it is a fault to write: what the others would make
 * is not known.
 */
export function keptPact({ consumer, provider, folder }: Parties & { folder: string }): { pact: Pact; test: Test } {
  const kept = resolve(CONTRACTS, folder, `${consumer}-${provider}.json`)
  const isWriting = process.env.WRITE_PACTS === '1'
  let declared = 0
  let passed = 0
  const compare = (dir: string) => {
    if (passed < declared) {
      if (isWriting) throw new Error(`${kept} is not written: of its ${declared} tests ${passed} were run and passed`)
      return
    }
    const [made = ''] = readdirSync(dir)
    const text = textOf(readFileSync(join(dir, made), 'utf8'))
    if (isWriting) writeFileSync(kept, text)
    else assert.equal(text, readFileSync(kept, 'utf8'), `${kept} is another one: npm run pact:write`)
  }
  const test: Test = (name, body) => {
    declared += 1
    nodeTest(name, async (t) => {
      await body(t)
      passed += 1
    })
  }
  return { pact: temporaryPact({ consumer, provider }, compare).pact, test }
}

/** For what is tried against Pact's mock server, and is in no contract: it asks nothing of the other side. */
export function temporaryPact({ consumer, provider }: Parties, atTheEnd = (_dir: string) => {}) {
  const dir = mkdtempSync(join(tmpdir(), 'users-service-pact-'))
  after(() => {
    try {
      atTheEnd(dir)
    } finally {
      rmSync(dir, { recursive: true, force: true })
    }
  })
  return { pact: new Pact({ consumer, provider, dir, logLevel: 'error' }) }
}

/** In one order, and without the versions of Pact's libraries: they say nothing of what is agreed. */
function textOf(written: string): string {
  const { interactions, metadata, ...rest } = JSON.parse(written)
  const ordered = interactions.toSorted((a: Interaction, b: Interaction) => (a.description < b.description ? -1 : 1))
  return jsonText({ ...rest, interactions: ordered, metadata: { pactSpecification: metadata.pactSpecification } })
}

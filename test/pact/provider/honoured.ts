import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { CONTRACTS, SERVICE } from '../kept.ts'

type Interaction = { description: string; response: { status: number } }

/** Nobody here can be made to be overloaded: these a stand-in is not asked for. */
const UNAVAILABLE = [429, 503]

/** Our contract with a neighbour, without what a stand-in for it cannot be brought to. Answers the file. */
export function contractWith(t: TestContext, neighbour: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'users-service-pact-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const name = `${SERVICE}-${neighbour}.json`
  const contract = JSON.parse(readFileSync(join(CONTRACTS, 'pacts', name), 'utf8'))
  const interactions = contract.interactions.filter(
    ({ response }: Interaction) => !UNAVAILABLE.includes(response.status),
  )
  writeFileSync(join(folder, name), JSON.stringify({ ...contract, interactions }))
  return join(folder, name)
}

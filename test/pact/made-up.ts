import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { SERVICE } from './kept.ts'

type State = { name: string; params?: object }

/** A contract with this service that nobody has, in a folder of its own, which is answered and goes with the test. */
export function madeUpContract(t: Pick<TestContext, 'after'>, consumer: string, interactions: object[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'users-service-pact-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const parties = { consumer: { name: consumer }, provider: { name: SERVICE } }
  const metadata = { pactSpecification: { version: '4.0' } }
  writeFileSync(join(folder, `${consumer}.json`), JSON.stringify({ ...parties, interactions, metadata }))
  return folder
}

/** What holds in any state, and in none. */
export function askedWhetherItLives(description: string, ...providerStates: State[]): object {
  return {
    ...{ type: 'Synchronous/HTTP', description, providerStates },
    request: { method: 'GET', path: '/health/live' },
    response: { status: 200 },
  }
}

/** Of somebody who has left: it holds once somebody has, whatever else the states are. */
export function toldWhoLeft(description: string, ...providerStates: State[]): object {
  return {
    ...{ type: 'Asynchronous/Messages', description: `${description}: users-service.user-terminated.v1` },
    providerStates: [{ name: 'somebody was terminated' }, ...providerStates],
    contents: { content: { specversion: '1.0' }, contentType: 'application/json', encoded: false },
  }
}

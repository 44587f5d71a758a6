import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Fault, importWith } from '../../support/plant.ts'
import { CONTRACTS, SERVICE } from '../kept.ts'

type Provider = typeof import('./verifying.ts')
/** `broken`: of what the verification says; `whole`: what it says nothing of. */
export type Planted = { what: string; fault: Fault; consumer: string; broken: string[]; whole: string }

const RELOADED = /\/(?:src|test)\/.*\.ts$/

/** A build of this service with one fault, which breaks what a consumer relies on. */
export function breaks({ what, fault, consumer, broken, whole }: Planted): void {
  test(`${what}: verification fails, and names the interactions`, async (t) => {
    const { startProvider, verify } = await importWith<Provider>(fault, 'test/pact/provider/verifying.ts', RELOADED)
    const { service, url } = await startProvider()
    t.after(service.close)
    const pactUrls = [join(CONTRACTS, 'consumers', `${consumer}-${SERVICE}.json`)]
    await assert.rejects(verify(service, { providerBaseUrl: url, pactUrls }), ({ message }: Error) => {
      for (const part of broken) assert.ok(message.includes(part), `${part} in ${message}`)
      assert.ok(!message.includes(whole), message)
      return true
    })
  })
}

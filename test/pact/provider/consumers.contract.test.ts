import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { TestService } from '../../support/service.ts'
import { CONTRACTS } from '../kept.ts'
import { providerStates } from './states.ts'
import { startProvider, verify } from './verifying.ts'

const FOLDER = join(CONTRACTS, 'consumers')
let service: TestService
let url: string
before(async () => {
  const provider = await startProvider()
  service = provider.service
  url = provider.url
})
after(() => service?.close())

for (const file of readdirSync(FOLDER)) {
  test(`it keeps ${file}`, async () => {
    await verify(service, { providerBaseUrl: url, pactUrls: [join(FOLDER, file)] })
  })
}

test('docs/contracts.md names the provider states that there are', () => {
  const text = readFileSync(join(CONTRACTS, '..', 'docs', 'contracts.md'), 'utf8')
  const [, table = ''] = /^\| state \|.*\n\|[-|]+\n((?:\|.*\n)+)/m.exec(text) ?? []
  const named = [...table.matchAll(/^\|([^|]*)/gm)].flatMap(([, first = '']) =>
    [...first.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
  )
  assert.deepEqual(named.sort(), Object.keys(providerStates(service)).sort())
})

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { TestService } from '../../support/service.ts'
import { CONTRACTS } from '../kept.ts'
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
  test(`it keeps ${file}`, () => verify(service, { providerBaseUrl: url, pactUrls: [join(FOLDER, file)] }))
}

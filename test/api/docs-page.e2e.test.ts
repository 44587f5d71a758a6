import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chromium } from 'playwright-core'
import { findChromium } from '../../scripts/setup-chromium.mjs'
import { lastFirst } from '../contract/rig.ts'
import { startService } from '../support/service.ts'

const browser = findChromium(process.env.PATH)
const LIMIT_MS = 60_000

test('in a browser the page shows every operation, and tries them out, within its policy', {
  skip: browser === undefined && 'no Chromium is installed here',
  timeout: 2 * LIMIT_MS,
}, async (context) => {
  const t = lastFirst(context)
  const service = await startService({ worker: false })
  t.after(service.close)
  const address = await service.app.listen({ host: '127.0.0.1', port: 0 })
  const document = (await service.app.inject('/docs/json')).json()
  const operations = Object.values(document.paths as Record<string, object>).flatMap((path) => Object.keys(path))
  const chrome = await chromium.launch({ executablePath: browser ?? '', args: ['--no-sandbox'] })
  t.after(() => chrome.close())
  const page = await chrome.newPage()
  page.setDefaultTimeout(LIMIT_MS)
  const faults: string[] = []
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()))
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('requestfailed', (request) => faults.push(`${request.url()} ${request.failure()?.errorText}`))
  await page.goto(`${address}/docs`)
  await page.waitForSelector('.opblock')
  assert.equal(await page.locator('.opblock').count(), operations.length)
  // With a token, as a person would give it.
  await page.locator('button.authorize').first().click()
  await page.locator('.auth-container input').fill(service.token)
  await page.locator('.auth-btn-wrapper button.authorize').click()
  await page.locator('.auth-btn-wrapper .btn-done').click()
  await page.locator('.opblock-summary-path[data-path="/v1/roles"]').first().click()
  await page.locator('.opblock.is-open button.execute').click()
  await page.waitForSelector('.live-responses-table tbody .response-col_status')
  const status = await page.locator('.live-responses-table tbody .response-col_status').first().textContent()
  assert.match(status ?? '', /^200/)
  assert.deepEqual(faults, [])
})

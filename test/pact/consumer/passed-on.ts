import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { readConfig } from '../../../src/config.ts'
import { wireLegacy } from '../../../src/wiring-legacy.ts'
import { quiet, startFront } from '../../strangler/proxy/rig.ts'
import { SERVICE } from '../kept.ts'
import { IGNORED } from './neighbour.ts'

const ADDRESS = '127.0.0.1'

/** What a client is answered that asks the real proxy, behind its real guard. */
export async function passedOn(t: TestContext, url: string, path: string, init: RequestInit = {}) {
  const config = readConfig({ LEGACY_URL: url }).legacy
  const tokens = { issuer: 'https://issuer.example', audience: SERVICE }
  const { legacy, close } = wireLegacy({ config, identity: null, tokens, observer: IGNORED, log: quiet })
  assert.ok(legacy)
  try {
    const { port } = await startFront(t, legacy)
    const answer = await fetch(`http://${ADDRESS}:${port}${path}`, init)
    const { status, headers } = answer
    assert.equal(headers.get('answered-by'), 'legacy')
    return { status, headers, body: await answer.text() }
  } finally {
    await close()
  }
}

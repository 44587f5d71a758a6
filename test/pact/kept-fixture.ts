// A file of tests that make a contract, for test/pact/kept.contract.test.ts: in KEPT_FOLDER, and FAILING=1 breaks one of them.
import assert from 'node:assert/strict'
import { keptPact } from './kept.ts'

const { pact, test } = keptPact({ consumer: 'a', provider: 'b', folder: process.env.KEPT_FOLDER ?? '' })

for (const name of ['the first', 'the second'])
  test(name, async () => {
    assert.ok(process.env.FAILING !== '1' || name !== 'the second')
    await pact
      .addInteraction()
      .uponReceiving(name)
      .withRequest('GET', `/${name.replace(' ', '-')}`)
      .willRespondWith(200)
      .executeTest(async ({ url }) => {
        assert.equal((await fetch(`${url}/${name.replace(' ', '-')}`)).status, 200)
      })
  })

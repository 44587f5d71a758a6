import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { answerFor, type Case, conversationFor } from './case.ts'
import { WEBSOCKET } from './cases-connections.ts'
import { startLegacyFixture } from './legacy-fixture.ts'
import { type Header, valuesOf } from './message.ts'
import { ours, type ProxyUnderTest } from './proxies.ts'
import { converse, type Heard } from './raw-client.ts'
import { POISON, WRONG_ANSWERS, type WrongAnswer } from './wrong-answers.ts'

/** Ids of requests that get the wrong answer are their numbers in the list; all others get a sound one. */
const SOUND_ID = WRONG_ANSWERS.length
const SOUND = 'sound'
const textOf = (id: string) => WRONG_ANSWERS[Number(id.split('.', 1)[0])]

let fixture: Awaited<ReturnType<typeof startLegacyFixture>>
let proxy: ProxyUnderTest
/** What would end a process: the test runner only tells of it. */
const dropped: unknown[] = []
const onDropped = (error: unknown) => void dropped.push(error)

before(async () => {
  process.on('unhandledRejection', onDropped)

  fixture = await startLegacyFixture((id) => {
    const wrong = textOf(id)
    if (wrong === undefined) return answerFor({ answer: { body: Buffer.from(SOUND) } })
    return answerFor({ answer: { raw: { text: wrong.text, isLast: !wrong.isKept } } })
  })
  proxy = await ours(fixture.url)
})
after(async () => {
  process.off('unhandledRejection', onDropped)
  await proxy?.close()
  await fixture?.close()
})

function ask(id: number, method = 'GET', headers: Header[] = []): Promise<Heard> {
  const one: Case = { family: 'answer bodies', name: '', asks: [{ method, headers }] }
  return converse(proxy.port, conversationFor(one, id))
}

/** In the words of WrongAnswer. */
function outcomeOf({ answers, isTimedOut, surplus }: Heard): string {
  const [answer, more] = answers
  assert.equal(isTimedOut, false, 'it does not hang')
  assert.equal(more, undefined, 'one answer at most')
  assert.equal(surplus, '', 'nothing comes behind it')
  if (answer === undefined || !answer.body.isWhole) return 'cut'
  const isProblem = valuesOf(answer.headers, 'content-type').some((type) => type.startsWith('application/problem+json'))
  if (answer.status === 502 && isProblem) return 'refused'
  return `${answer.status} ${answer.body.start}`
}

async function check({ method, isUpgrade, leadsTo }: WrongAnswer, id: number): Promise<string> {
  const outcome = outcomeOf(await ask(id, method, isUpgrade ? WEBSOCKET : []))
  for (let i = 0; i < 3; i += 1) assert.equal(outcomeOf(await ask(SOUND_ID)), `200 ${SOUND}`, 'the next gets its own')
  const wanted = leadsTo.map((one) => (typeof one === 'string' ? one : `${one.status ?? 200} ${one.passed}`))
  assert.ok(wanted.includes(outcome), `${outcome}, not ${wanted.join(' or ')}`)
  assert.doesNotMatch(outcome, new RegExp(POISON))
  return outcome
}

describe('a wrong answer of the legacy application harms only the request that it is given to', () => {
  for (const [id, wrong] of WRONG_ANSWERS.entries()) {
    test(wrong.name, async (t) => {
      t.diagnostic(await check(wrong, id))
      assert.deepEqual(dropped.splice(0), [], 'nobody has dropped a promise that failed')
    })
  }
})

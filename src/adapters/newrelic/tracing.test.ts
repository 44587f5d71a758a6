import assert from 'node:assert/strict'
import { test } from 'node:test'
import { agentSettings } from './settings.ts'
import { type Agent, newRelicTracing } from './tracing.ts'

function toldOf(error: Error): string {
  let stack = ''
  const ignore = () => undefined
  const agent = {
    ...{ setErrorGroupCallback: ignore, addCustomAttributes: ignore, getTraceMetadata: () => ({ traceId: '1' }) },
    noticeError: (told: Error) => {
      stack = String(told.stack)
    },
  } as unknown as Agent
  newRelicTracing(agent, { hotOneIn: 1 }).fault({ error, code: 'invalid', expected: true })
  return stack
}

test('of an error its place is told, and of its message nothing, also where that has lines like a stack', () => {
  const told = toldOf(new Error('no field\n    at Jane Doe, Main Street 1'))
  assert.match(told, /^invalid\n {4}at .*tracing\.test\.ts/)
  assert.doesNotMatch(told, /Jane/)
  const changed = new Error('as it was\n    at Jane Doe')
  assert.match(String(changed.stack), /Jane/)
  changed.message = 'as it is'
  assert.equal(toldOf(changed), 'invalid')
})

test('what the agent would tell by itself of calls that fail, and of reason phrases, is off', () => {
  const settings = agentSettings({
    ...{ licenseKey: 'k', appName: 'a', host: null, port: 443, certificates: null, proxyUrl: null },
    ...{ logLevel: 'warn', hotOneIn: 1 },
  })
  assert.equal(settings.NEW_RELIC_FEATURE_FLAG_UNDICI_ERROR_TRACKING, 'false')
  assert.doesNotMatch(settings.NEW_RELIC_ATTRIBUTES_INCLUDE ?? '', /statusText/)
})

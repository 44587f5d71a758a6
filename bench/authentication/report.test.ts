import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Learned } from '../people.ts'
import type { Measured } from '../rounds.ts'
import { AUTHENTICATION_CASES, type Authentication, type AuthenticationCase, questionsOf } from './measure.ts'
import { authenticationFailures, authenticationSection } from './report.ts'

const round = (serverCpuUs: number, differing: Partial<Measured> = {}): Measured => ({
  ...{ requests: 1_000, requestsPerSecond: 1_000, p50Ms: 1, p99Ms: 2, serverCpuUs, redisCpuUs: 0, workerCpuUs: 0 },
  ...{ generatorBusy: 0.5, sources: { near: 1_000 }, errors: 0, complaints: [] },
  ...differing,
})
const CPU_US: Record<AuthenticationCase, number[]> = {
  off: [10, 20, 10],
  'off, once more': [10, 20, 11],
  'off, ES256': [10.5, 21, 10.5],
  'off, RS256': [11, 22, 11],
  'off, RS256, many': [11, 22, 11],
  'on, ES256': [11, 22, 10.9],
  'on, RS256': [12, 26, 12.2],
  'on, RS256, many': [12, 24, 12],
}
const measured = (): Authentication => {
  const entries = Object.entries(CPU_US).map(([name, all]) => [name, all.map((us) => round(us))])
  return {
    measurements: Object.fromEntries(entries) as Authentication['measurements'],
    tokenBytes: { ES256: 650, RS256: 906, 'RS256, many': 907 },
  }
}

/** The cells of a case’s line. */
const cells = (page: string, name: string) =>
  page
    .split('\n')
    .find((line) => line.startsWith(`| ${name} |`))
    ?.split('|')
    .slice(2, 5)
    .map((cell) => cell.trim())

test('ratios are of the same round: to nothing shown, and to the same requests', () => {
  const page = authenticationSection(measured())
  assert.deepEqual(cells(page, 'on, RS256'), ['12.2 (12.0–26.0)', '1.22 (1.20–1.30)', '1.11 (1.09–1.18)'])
  assert.deepEqual(cells(page, 'off, RS256'), ['11.0 (11.0–22.0)', '1.10 (1.10–1.10)', ''])
  assert.deepEqual(cells(page, 'off'), ['10.0 (10.0–20.0)', '1', ''])
})

test('what is more than was wanted is said', () => {
  const page = authenticationSection(measured())
  assert.match(page, /^- ES256: 1\.10 of off, 1\.05 of off with the same requests$/m)
  assert.match(page, /^- RS256: 1\.22 \(more\) of off, 1\.11 \(more\) of off with the same requests$/m)
  assert.match(page, /650 bytes signed with ES256, 906 with RS256/)
})

test('a wrong answer makes it a failure', () => {
  const results = measured()
  assert.deepEqual(authenticationFailures(results), [])
  results.measurements['on, ES256'][1] = round(22, { errors: 2, complaints: ['GET /x: 401'] })
  assert.deepEqual(authenticationFailures(results), ['authentication on, ES256, round 2: 2 errors. GET /x: 401'])
})

test('each question shows what its case says, every token in turn', () => {
  const hot = [1, 2, 3].map((id): Learned => ({ path: `/v1/users/${id}`, etag: '', head: '', body: `${id}` }))
  const tokens = { ES256: ['Bearer e1', 'Bearer e2'], RS256: ['Bearer r1'], 'RS256, many': [] }
  const shown = (name: AuthenticationCase) =>
    questionsOf(name, hot, tokens).map(({ request }) => /authorization: (.*)\r\n/.exec(request)?.[1])
  assert.deepEqual(shown('on, ES256'), ['Bearer e1', 'Bearer e2', 'Bearer e1'])
  assert.deepEqual(shown('off, RS256'), ['Bearer r1', 'Bearer r1', 'Bearer r1'])
  assert.deepEqual(shown('off'), [undefined, undefined, undefined])
  for (const [name, { at, shows }] of Object.entries(AUTHENTICATION_CASES))
    if (at === 'on') assert.ok(shows !== null && `off, ${shows}` in AUTHENTICATION_CASES, name)
})

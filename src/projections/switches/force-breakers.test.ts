import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forceBreakers } from './force-breakers.ts'

const override = (to: string, reason = 'r') =>
  JSON.stringify({ to, reason, by: 'local', at: '2024-06-01T09:00:00.000Z' })
const [BRANCHES, PEOPLE] = ['breaker:branches-service', 'breaker:people-service']

function start() {
  const told: string[] = []
  const warnings: object[] = []
  const ignore = () => undefined
  const log = { debug: ignore, info: ignore, warn: (fields: object) => void warnings.push(fields), error: ignore }
  const obey = forceBreakers({ force: (neighbour, forced) => void told.push(`${neighbour} ${forced}`) }, log)
  return { obey: (settings: Record<string, string>) => obey(new Map(Object.entries(settings))), told, warnings }
}

test('each breaker is told what is new to it, and nothing else: to be released it has to be forced', () => {
  const { obey, told, warnings } = start()
  obey({})
  assert.deepEqual(told, [])
  obey({ [BRANCHES]: override('open') })
  obey({ [BRANCHES]: override('open', 'another reason'), [PEOPLE]: override('closed') })
  obey({ [BRANCHES]: override('closed'), [PEOPLE]: override('closed') })
  obey({ [PEOPLE]: override('closed') })
  obey({})
  assert.deepEqual(told, [
    'branches-service open',
    'people-service closed',
    'branches-service closed',
    'branches-service null',
    'people-service null',
  ])
  assert.deepEqual(warnings, [])
})

test('a setting that cannot be read forces nothing, and is said', () => {
  const { obey, told, warnings } = start()
  obey({ [PEOPLE]: override('open') })
  obey({ [PEOPLE]: override('ajar') })
  assert.deepEqual(told, ['people-service open', 'people-service null'])
  assert.deepEqual(warnings, [{ neighbour: 'people-service' }])
})

test('switches of other kinds, and breakers that this release does not know, are left alone', () => {
  const { obey, told, warnings } = start()
  obey({ 'route:people-service': override('open'), 'breaker:elsewhere': override('open') })
  assert.deepEqual([told, warnings], [[], []])
})

test('a breaker that could not be told is told the next time', () => {
  let failures = 1
  const told: string[] = []
  const ignore = () => undefined
  const obey = forceBreakers(
    {
      force(neighbour, forced) {
        failures -= 1
        if (failures >= 0) throw new Error('planted')
        told.push(`${neighbour} ${forced}`)
      },
    },
    { debug: ignore, info: ignore, warn: ignore, error: ignore },
  )
  const settings = new Map([[PEOPLE, override('open')]])
  assert.throws(() => obey(settings), /planted/)
  obey(settings)
  assert.deepEqual(told, ['people-service open'])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DomainError } from '../../domain/errors.ts'
import { SqlError } from './errors.ts'
import { describeFault } from './fault.ts'

/** As an error that was thrown there. */
function at<Failure extends Error>(error: Failure, ...lines: string[]): Failure {
  error.stack = [`${error.name}: ${error.message}`, ...lines].join('\n')
  return error
}
const PROJECT = '    at project (file:///srv/app/src/projections/user/project.ts:41:17)'
const CONNECTION = '    at translating (file:///srv/app/src/adapters/sqlite/connection.ts:49:11)'
const ROWS = '    at async readUserRows (file:///srv/app/src/adapters/sql/user-rows.ts:44:20)'
const LIBRARY = '    at Parser.parse (file:///srv/app/node_modules/library/src/parser.ts:7:1)'
const NODE = '    at JSON.parse (<anonymous>)'

const FAULTS: [what: string, error: unknown, told: string][] = [
  ['kind and place', at(new TypeError('x'), NODE, PROJECT), 'TypeError at src/projections/user/project.ts:41'],
  [
    'the statement’s place rather than the driver’s',
    at(new SqlError('other', 'x', { errcode: 1 }), CONNECTION, ROWS, PROJECT),
    'SqlError other 1 at src/adapters/sql/user-rows.ts:44',
  ],
  [
    'the driver’s where there is no other',
    at(new SqlError('busy', 'x', undefined), CONNECTION),
    'SqlError busy at src/adapters/sqlite/connection.ts:49',
  ],
  ['Informix’s number', at(new SqlError('other', 'x', { sqlcode: -1213 })), 'SqlError other -1213'],
  ['a refusal’s code', at(new DomainError('busy', 'x')), 'DomainError busy'],
  [
    'a worker’s place',
    at(new Error('x'), '    at file:///srv/app/workers/project.ts:3:1'),
    'Error at workers/project.ts:3',
  ],
  ['the system’s code', at(Object.assign(new Error('x'), { code: 'ECONNRESET' })), 'Error ECONNRESET'],
  [
    'the kind of Redis’s refusal',
    at(Object.assign(new Error('WRONGTYPE Operation against a key'), { name: 'ReplyError' })),
    'ReplyError WRONGTYPE',
  ],
  ['nothing of a library’s sources', at(new Error('x'), LIBRARY), 'Error'],
  ['what is no error', 'Ann Lee', 'something was thrown that is no error'],
  ['nothing', undefined, 'something was thrown that is no error'],
]
for (const [what, error, told] of FAULTS) {
  test(`a fault tells ${what}`, () => assert.equal(describeFault(error), told))
}

test('whatever an error says of a person, nothing of it is told', () => {
  const name = 'Ann "Bo" O’Lee'
  const multiline = `line\n    at ${name} (src/people/ann.ts:1:1)\n${name}`
  for (const message of [`"${name}" is not valid JSON`, `${name}@example.com`, `WRONGTYPE ${name}`, multiline]) {
    for (const kind of ['Error', 'ReplyError', name]) {
      const error = Object.assign(new Error(message), { name: kind, code: name })
      assert.doesNotMatch(describeFault(error), /Ann|Lee|ann/, JSON.stringify([message, kind]))
    }
    assert.doesNotMatch(describeFault(new SqlError('other', message, { code: name })), /Ann|Lee|ann/)
  }
})

test('it is short, however deep the place', () => {
  const deep = `    at f (file:///srv/app/src/${'folder/'.repeat(100)}file.ts:1:1)`
  assert.equal(describeFault(at(new Error('x'), deep)).length, 200)
})

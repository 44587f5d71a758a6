import assert from 'node:assert/strict'
import { test } from 'node:test'
import { branch, environment, Unset, version } from './broker.ts'

const TAKEN = [
  'main',
  'feature/contracts',
  'dependabot/npm_and_yarn/@types/node-1',
  'fix/#12',
  'größe',
  'a+b=c,!(d)',
  '50%',
  '1.2.3-rc.1',
]
const REFUSED = [
  ...['a branch', 'a\tbranch', 'a\nbranch', 'a\u007fbranch'],
  // The command line would take it for an option.
  '--branch',
  // Git refuses these, and parts of a URL are some of them.
  ...[
    '.',
    '..',
    'a/../b',
    'a/.b',
    'a//b',
    '/a',
    'a/',
    'a.',
    'a@{1}',
    '@',
    'a~1',
    'a^',
    'a:b',
    'a?',
    'a*',
    'a[b]',
    'a\\b',
  ],
  'a'.repeat(256),
]

for (const name of TAKEN) {
  test(`taken for a branch, a version and an environment: ${name}`, () => {
    const env = { PACT_BRANCH: name, PACT_VERSION: name, PACT_ENVIRONMENT: name }
    assert.deepEqual([branch(env), version(env), environment(env)], [name, name, name])
  })
}

for (const name of REFUSED) {
  test(`refused as a branch: ${JSON.stringify(name).slice(0, 20)}`, () => {
    assert.throws(() => branch({ PACT_BRANCH: name }), new Unset('PACT_BRANCH is no single word: the branch.'))
  })
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chosen, command, type Options } from './options.ts'

const read = (...args: string[]): Options =>
  command()
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .parse(['node', 'run.ts', ...args])
    .opts<Options>()

test('without options everybody takes part, and only one size', () => {
  const options = read()
  assert.deepEqual([options.users, options.sizes, options.write], [100_000, undefined, undefined])
  assert.deepEqual(chosen(options).length, 7)
})

test('the bare server takes part whoever is chosen, and the order is ours', () => {
  assert.deepEqual(chosen(read('--only', 'echo-rueidis, ours-near')), ['bare', 'ours-near', 'echo-rueidis'])
  assert.deepEqual(chosen(read('--only', 'bare')), ['bare'])
})

test('sizes: the usual three when none are said, ascending when they are', () => {
  assert.deepEqual(read('--sizes').sizes, [1_000, 100_000, 1_000_000])
  assert.deepEqual(read('--sizes', '50000,1000', '--write').sizes, [1_000, 50_000])
})

test('what can’t be measured is refused', () => {
  const wrong = [
    ['--only', 'nobody'],
    ['--only', ''],
    ['--sizes', '1000,x'],
    ['--sizes', '10'],
    ['--users', '2000000'],
    ['--rounds', '0'],
    ['--seconds', 'NaN'],
    ['--else'],
  ]
  for (const args of wrong) assert.throws(() => read(...args), { name: /Error/ }, args.join(' '))
})
